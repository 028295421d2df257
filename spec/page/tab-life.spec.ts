import { afterEach, describe, expect, it, vi } from "vitest";
import { asleep, cached } from "../../src/page/tab-life.js";
import { fakePage } from "./fake-page.js";

describe("asleep", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const follow = () => {
    const page = fakePage();
    const emitted: boolean[] = [];
    const subscription = asleep().subscribe((now) => emitted.push(now));
    return {
      emitted,
      subscription,
      on: (target: "document" | "window", ...events: string[]) =>
        events.forEach((event) => page[target].dispatchEvent(new Event(event))),
      page,
    };
  };

  it("is asleep from freeze to resume, and emits within the events", () => {
    const { emitted, on } = follow();
    expect(emitted).toEqual([false]);
    on("document", "freeze");
    expect(emitted).toEqual([false, true]);
    on("document", "resume");
    expect(emitted).toEqual([false, true, false]);
  });

  it("is asleep from pagehide to pageshow, whatever other events there are", () => {
    const { emitted, on } = follow();
    on("window", "pageshow"); // of every page
    on("window", "pagehide");
    on("document", "freeze", "resume");
    expect(emitted).toEqual([false, true]);
    on("window", "pageshow");
    expect(emitted).toEqual([false, true, false]);
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

  it("is awake if there is no page", () => {
    const emitted: boolean[] = [];
    asleep().subscribe((now) => emitted.push(now));
    expect(emitted).toEqual([false]);
  });
});

describe("cached", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("is true from pagehide to pageshow, and not while the tab is frozen", () => {
    const page = fakePage();
    const emitted: boolean[] = [];
    cached().subscribe((isCached) => emitted.push(isCached));
    page.document.dispatchEvent(new Event("freeze"));
    page.document.dispatchEvent(new Event("resume"));
    expect(emitted).toEqual([false]);
    page.window.dispatchEvent(new Event("pagehide"));
    page.window.dispatchEvent(new Event("pageshow"));
    expect(emitted).toEqual([false, true, false]);
  });

  it("is false if there is no page", () => {
    const emitted: boolean[] = [];
    cached().subscribe((isCached) => emitted.push(isCached));
    expect(emitted).toEqual([false]);
  });
});
