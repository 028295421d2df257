import { afterEach, describe, expect, it, vi } from "vitest";
import { asleep } from "../../src/page/tab-life.js";
import { fakePage } from "./fake-page.js";

describe("asleep", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const follow = () => {
    const page = fakePage();
    const said: boolean[] = [];
    const subscription = asleep().subscribe((now) => said.push(now));
    return {
      said,
      subscription,
      on: (target: "document" | "window", ...events: string[]) =>
        events.forEach((event) => page[target].dispatchEvent(new Event(event))),
      page,
    };
  };

  it("is awake at first, asleep from freeze to resume, and says so within the event", () => {
    const { said, on } = follow();
    expect(said).toEqual([false]);
    on("document", "freeze");
    expect(said).toEqual([false, true]);
    on("document", "resume");
    expect(said).toEqual([false, true, false]);
  });

  it("is asleep in the back/forward cache until the page is shown, whichever event says so first", () => {
    const { said, on } = follow();
    on("window", "pageshow"); // as every page
    on("window", "pagehide");
    on("document", "freeze", "resume");
    expect(said).toEqual([false, true]);
    on("window", "pageshow");
    expect(said).toEqual([false, true, false]);
  });

  it("leaves no listener behind", () => {
    const add = vi.spyOn(EventTarget.prototype, "addEventListener");
    const remove = vi.spyOn(EventTarget.prototype, "removeEventListener");
    const { subscription } = follow();
    subscription.unsubscribe();
    const names = (calls: readonly (readonly unknown[])[]) => calls.map(([name]) => name).toSorted();
    expect(names(remove.mock.calls)).toEqual(names(add.mock.calls));
    expect(add).toHaveBeenCalledTimes(4);
    vi.restoreAllMocks();
  });

  it("is awake where there is no page", () => {
    const said: boolean[] = [];
    asleep().subscribe((now) => said.push(now));
    expect(said).toEqual([false]);
  });
});
