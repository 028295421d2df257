import { defer, EMPTY, map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { RecordKey } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, DAVE } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

const OLD = answer({ [BOB]: ["OLD"] });
const NEW = answer({ [BOB]: ["NEW"] });

describe("a store whose operations complete without a result", () => {
  it(
    "counts as failing: the server is queried, and it is reported",
    marbles((m) => {
      const records = memoryStore();
      let isMute = false;
      const read = (keys: readonly RecordKey[]) => defer(() => (isMute ? EMPTY : records.read(keys)));
      const store = { ...records, read };
      trackerIn(m, { store, tracking: [BOB], answers: [of(OLD)] })
        .lookup([BOB])
        .subscribe();
      const { lookup, problems$ } = trackerIn(m, { store, answers: [of(NEW)] });
      lookup([]).subscribe(); // loads the saved state
      m.acts("-e", { e: () => (isMute = true) });
      m.expectObservable(lookup([BOB]), "--^").toBe("--(n|)", { n: ["bob OLD current"] });
      m.expectObservable(problems$).toBe("--p", { p: "read-failed" });
    }),
  );

  it.each(["read", "readKinds", "update"] as const)(
    "cannot be opened if its %s does so from the start",
    (operation) => {
      marbles((m) => {
        const { lookup, tracker, problems } = trackerIn(m, {
          store: { ...memoryStore(), [operation]: () => EMPTY },
          sync$: m.hot("-x", { x: changed(BOB) }),
          answers: [of(NEW)],
        });
        m.expectObservable(lookup([BOB]), "--^").toBe("--(n|)", { n: ["bob NEW current"] });
        m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch)), "^-!").toBe("-x", { x: "s1" });
        m.acts("60m c", { c: () => tracker.close() }); // it is tried again until then
        m.afterwards(() => {
          expect(problems.map(({ type }) => type)).toEqual(["store-unavailable"]);
        });
      })();
    },
  );
});

describe("another account's store", () => {
  it(
    "has trackedUsers$ emit once it was cleared and can be loaded",
    marbles((m) => {
      const store = memoryStore();
      trackerIn(m, { store, userId: DAVE }).lookup([]).subscribe();
      const { tracker, lookup } = trackerIn(m, { store });
      const names$ = tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).join(" ")));
      m.expectObservable(names$).toBe("---a-b", { a: "alice", b: "alice bob" });
      m.acts("--c", { c: () => store.clear().subscribe() });
      m.expectObservable(lookup([]), "---^").toBe("---(e|)", { e: [] });
      m.acts("-----t", { t: () => tracker.track([BOB]).subscribe() });
    }),
  );
});
