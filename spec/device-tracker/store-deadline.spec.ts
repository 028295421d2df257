import { describe, expect, it } from "vitest";
import { StoreTimedOutError } from "../../src/model/errors.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { restarted, setUp } from "../support/set-up.js";
import { BOB } from "../support/users.js";
import { step } from "../support/wire.js";

const bobHasB1 = { tracked: [BOB], devices: { [BOB]: ["B1"] } };
const timedOut = new StoreTimedOutError(10_000);

describe("storeDeadline", () => {
  it(
    "is 10 s by default: then memory replaces a store that does not open",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.hangNext();
      const { lookup, problems$, problems } = setUp(m, { devices: { [BOB]: ["B1"] }, store, connected: false });
      m.expectObservable(lookup([BOB])).toBe("10s (b|)", { b: ["bob B1 untracked"] });
      m.expectObservable(problems$).toBe("10s p", { p: "store-unavailable" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ error: timedOut }]);
      });
    }),
  );

  it(
    "has the server queried if a read hangs",
    marbles((m) => {
      const first = setUp(m, bobHasB1);
      first.lookup([BOB]).subscribe();
      const { lookup, store, problems$, expectQueries } = restarted(m, first);
      lookup([]).subscribe();
      store.hangNext("read");
      m.expectObservable(lookup([BOB])).toBe("10s (b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("10s p", { p: "read-failed" });
      expectQueries("10000-10000 bob");
    }),
  );

  it(
    "has a commit that hangs retried",
    marbles((m) => {
      const { store, synced$, problems } = setUp(m, { tracked: [BOB], sync$: m.hot("-x", { x: step("s1") }) });
      store.hangNext("update");
      m.expectObservable(synced$).toBe("- 11s x", { x: "s1" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "commit-failed", error: timedOut, retryIn: 1_000 }]);
      });
    }),
  );

  it(
    "has a value emitted whose saving hangs, and memory keeps the list",
    marbles((m) => {
      const { lookup, store, problems$, expectQueries } = setUp(m, { ...bobHasB1, storeDeadline: 5 });
      store.hangNext("update");
      m.expectObservable(lookup([BOB]), "-^-----").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-------^").toBe("-------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("------p", { p: "save-failed" });
      expectQueries("1-1 bob");
    }),
  );
});
