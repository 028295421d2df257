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

  it("takes its time where nothing happens", () => {
    scheduler.run(({ expectObservable }) => {
      expectObservable(waitForRetry({ ms: 5, atLeast: 0 }, scheduler)).toBe("-----(a|)", { a: 0 });
    });
  });

  it("ends at once when the browser comes online", () => {
    scheduler.run(({ cold, expectObservable }) => {
      cold("--o").subscribe(() => [...listeners].forEach((listener) => listener()));
      expectObservable(waitForRetry({ ms: 5, atLeast: 0 }, scheduler)).toBe("--(a|)", { a: [0, undefined] });
    });
  });

  it("gives the server its time though the browser comes online, and not more", () => {
    scheduler.run(({ cold, expectObservable }) => {
      cold("--o").subscribe(() => [...listeners].forEach((listener) => listener()));
      expectObservable(waitForRetry({ ms: 5, atLeast: 4 }, scheduler)).toBe("----(a|)", { a: [0, undefined] });
    });
  });

  it("does not listen where the server has asked for all of it", () => {
    scheduler.run(({ cold, expectObservable }) => {
      cold("--o").subscribe(() => expect(listeners.size).toBe(0));
      expectObservable(waitForRetry({ ms: 5, atLeast: 5 }, scheduler)).toBe("-----(a|)", { a: 0 });
    });
  });

  it("takes its listener along when it is unsubscribed", () => {
    scheduler.run(({ cold, expectObservable }) => {
      cold("--o").subscribe(() => expect(listeners.size).toBe(1));
      cold("----o").subscribe(() => expect(listeners.size).toBe(0));
      expectObservable(waitForRetry({ ms: 5, atLeast: 0 }, scheduler), "---!").toBe("------");
    });
  });

  it("goes by time alone where nothing can say that it is online", () => {
    vi.stubGlobal("addEventListener", undefined);
    scheduler.run(({ expectObservable }) => {
      expectObservable(waitForRetry({ ms: 5, atLeast: 0 }, scheduler)).toBe("-----(a|)", { a: 0 });
    });
  });
});
