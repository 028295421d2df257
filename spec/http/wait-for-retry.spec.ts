import { TestScheduler } from "rxjs/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { waitForRetry } from "../../src/http/wait-for-retry.js";

describe("waitForRetry", () => {
  let listeners: Set<() => void>;
  let scheduler: TestScheduler;

  beforeEach(() => {
    listeners = new Set();
    vi.stubGlobal("addEventListener", (_type: string, listener: () => void) => listeners.add(listener));
    vi.stubGlobal("removeEventListener", (_type: string, listener: () => void) => listeners.delete(listener));
    scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  });
  afterEach(() => {
    expect(listeners.size).toBe(0);
    vi.unstubAllGlobals();
  });

  it("ends after the wait", () => {
    scheduler.run(({ expectObservable }) => {
      expectObservable(waitForRetry({ ms: 5, atLeast: 0 }, scheduler)).toBe("-----(a|)", { a: 0 });
    });
  });

  it("ends at once if the browser comes online", () => {
    scheduler.run(({ cold, expectObservable }) => {
      cold("--o").subscribe(() => [...listeners].forEach((listener) => listener()));
      expectObservable(waitForRetry({ ms: 5, atLeast: 0 }, scheduler)).toBe("--(a|)", { a: [0, undefined] });
    });
  });

  it("ends after the wait that the server requires if the browser is online", () => {
    scheduler.run(({ cold, expectObservable }) => {
      cold("--o").subscribe(() => [...listeners].forEach((listener) => listener()));
      expectObservable(waitForRetry({ ms: 5, atLeast: 4 }, scheduler)).toBe("----(a|)", { a: [0, undefined] });
    });
  });

  it("does not listen if the server requires all of the wait", () => {
    scheduler.run(({ cold, expectObservable }) => {
      cold("--o").subscribe(() => expect(listeners.size).toBe(0));
      expectObservable(waitForRetry({ ms: 5, atLeast: 5 }, scheduler)).toBe("-----(a|)", { a: 0 });
    });
  });

  it("removes its listener on unsubscribing", () => {
    scheduler.run(({ cold, expectObservable }) => {
      cold("--o").subscribe(() => expect(listeners.size).toBe(1));
      cold("----o").subscribe(() => expect(listeners.size).toBe(0));
      expectObservable(waitForRetry({ ms: 5, atLeast: 0 }, scheduler), "---!").toBe("------");
    });
  });

  it("ends after the wait if there is no online event", () => {
    vi.stubGlobal("addEventListener", undefined);
    scheduler.run(({ expectObservable }) => {
      expectObservable(waitForRetry({ ms: 5, atLeast: 0 }, scheduler)).toBe("-----(a|)", { a: 0 });
    });
  });
});
