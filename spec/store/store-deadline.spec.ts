import { EMPTY, map, NEVER } from "rxjs";
import { describe, it } from "vitest";
import { StoreTimedOutError } from "../../src/model/errors.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { withStoreDeadline } from "../../src/store/store-deadline.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";

const late = new StoreTimedOutError(5);
const operations: readonly (readonly [string, (store: DeviceStore) => ReturnType<DeviceStore["clear"]>])[] = [
  ["read", (store) => store.read([]).pipe(map(() => undefined))],
  ["readKinds", (store) => store.readKinds([]).pipe(map(() => undefined))],
  ["update", (store) => store.update([], () => ({ puts: [], deletes: [], result: undefined }))],
  ["clear", (store) => store.clear()],
];

describe.each(operations)("%s with a deadline", (_, operate) => {
  it(
    "emits what the store emits in time",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 4 });
      m.expectObservable(operate(withStoreDeadline(store, 5, m.scheduler))).toBe("----(x|)", { x: undefined });
    }),
  );

  it(
    "fails if the store hangs",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.hangNext();
      m.expectObservable(operate(withStoreDeadline(store, 5, m.scheduler)), "-^").toBe("------#", undefined, late);
    }),
  );

  it(
    "fails with the error of the store",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 2 });
      store.failNext("broken");
      m.expectObservable(operate(withStoreDeadline(store, 5, m.scheduler))).toBe("--#", undefined, "broken");
    }),
  );
});

describe("a store that completes without a result", () => {
  const mute: DeviceStore = {
    syncToken$: EMPTY,
    commits$: NEVER,
    read: () => EMPTY,
    readKinds: () => EMPTY,
    update: () => EMPTY,
    clear: () => EMPTY,
  };
  const noResult = new Error("the device store completed an operation without a result");

  it(
    "fails",
    marbles((m) => {
      const store = withStoreDeadline(mute, 5, m.scheduler);
      m.expectObservable(store.read([])).toBe("#", undefined, noResult);
      m.expectObservable(store.readKinds([])).toBe("#", undefined, noResult);
      m.expectObservable(store.update([], () => ({ puts: [], deletes: [], result: 1 }))).toBe("#", undefined, noResult);
    }),
  );

  it(
    "has been cleared all the same",
    marbles((m) => {
      m.expectObservable(withStoreDeadline(mute, 5, m.scheduler).clear()).toBe("(x|)", { x: undefined });
    }),
  );
});
