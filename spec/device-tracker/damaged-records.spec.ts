import { describe, expect, it } from "vitest";
import { listKey, logKey, OWNER, SYNC } from "../../src/store/records.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { NO_PINS } from "../../src/trust/pins.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved, savedIds } from "../support/saved.js";
import { restarted, setUp } from "../support/set-up.js";
import { edName, keyOf, signed } from "../support/signed.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

/** A tracker on what an earlier page saved, with these records damaged. Bob and Carol are tracked, and their lists fetched. */
function damaged(m: Marbles, records: readonly (readonly [RecordKey, unknown])[]) {
  const first = setUp(m, { tracked: [BOB, CAROL], devices: { [BOB]: ["B1"], [CAROL]: ["C1"] } });
  first.lookup([BOB, CAROL]).subscribe();
  put(first.store.records, ...records);
  return restarted(m, first, { connected: false });
}

describe("a damaged list", () => {
  it(
    "is reported, and its user is queried",
    marbles((m) => {
      const record = { pins: NO_PINS, saved: { revision: 1, list: "?" } };
      const { lookup, problems, expectQueries } = damaged(m, [[listKey(BOB), record]]);
      m.expectObservable(lookup([BOB, CAROL])).toBe("(x|)", { x: ["bob B1 current", "carol C1 current"] });
      expectQueries("0-0 bob");
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "records-damaged", kind: "list", ids: [BOB] }]);
      });
    }),
  );

  it(
    "is one that has another user's devices",
    marbles((m) => {
      const first = setUp(m, { tracked: [BOB, CAROL], devices: { [BOB]: ["B1"], [CAROL]: ["C1"] } });
      first.lookup([BOB, CAROL]).subscribe();
      put(first.store.records, [listKey(CAROL), saved(first.store.records, listKey(BOB))]);
      const { lookup } = restarted(m, first, { connected: false });
      m.expectObservable(lookup([CAROL])).toBe("(c|)", { c: ["carol C1 current"] });
    }),
  );

  it(
    "is not one that has an unknown property: its user is not queried",
    marbles((m) => {
      const first = setUp(m, { tracked: [BOB], devices: { [BOB]: ["B1"] } });
      first.lookup([BOB]).subscribe();
      const record = saved(first.store.records, listKey(BOB)) as { readonly saved: { readonly list: object } };
      const list = { ...record.saved.list, digest: "x" };
      put(first.store.records, [listKey(BOB), { ...record, saved: { ...record.saved, list } }]);
      const { lookup, problems, expectQueries } = restarted(m, first, { connected: false });
      m.expectObservable(lookup([BOB])).toBe("(b|)", { b: ["bob B1 current"] });
      expectQueries();
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );
});

describe("a damaged chain", () => {
  it.each<[string, RecordKey]>([
    ["the head", SYNC],
    ["a commit", logKey(2)],
    ["a save", logKey(3)],
  ])("untracks all users but our own, who is outdated, and is reported: %s", (_, key) => {
    marbles((m) => {
      const { tracker, lookup, problems, store } = damaged(m, [[key, "?"]]);
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE]) });
      m.expectObservable(lookup([BOB, ALICE])).toBe("(x|)", { x: ["bob B1 untracked", "alice - current"] });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "records-damaged", kind: key[0], ids: [key[1]] }]);
        expect(savedIds(store.records, "log")).toHaveLength(1);
      });
    })();
  });

  it(
    "keeps a readable token, and loses one that is not",
    marbles((m) => {
      m.expectObservable(damaged(m, [[logKey(2), "?"]]).store.syncToken$).toBe("(t|)", { t: "s2" });
      m.expectObservable(damaged(m, [[SYNC, "?"]]).store.syncToken$).toBe("(t|)", { t: undefined });
    }),
  );

  it(
    "is mended: the next page finds nothing damaged, and tracks what is tracked again",
    marbles((m) => {
      const first = damaged(m, [[SYNC, "?"]]);
      first.tracker.track([BOB]).subscribe();
      first.lookup([BOB]).subscribe();
      const { lookup, problems, expectQueries } = restarted(m, first, { connected: false });
      m.expectObservable(lookup([BOB, CAROL])).toBe("(x|)", { x: ["bob B1 current", "carol C1 untracked"] });
      expectQueries("0-0 carol");
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );
});

describe("a damaged owner's record", () => {
  it(
    "has everything deleted, since it is unknown whose lists these are",
    marbles((m) => {
      const { tracker, problems, store } = damaged(m, [[OWNER, "?"]]);
      m.expectObservable(tracker.trackedUsers$).toBe("u", { u: new Set([ALICE]) });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "records-damaged", kind: "account", ids: ["owner"] }]);
        expect(savedIds(store.records, "list")).toEqual([]);
        expect(savedIds(store.records, "log")).toEqual([]);
      });
    }),
  );
});

describe("a damaged record of the index", () => {
  it(
    "does not hide devices from findDevice: the lists are read instead",
    marbles((m) => {
      const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
      const first = setUp(m, { tracked: [BOB, CAROL], verifier });
      first.homeserver.addDevice(BOB, "B1", signed(BOB, "B1"));
      first.homeserver.addDevice(CAROL, "C1", signed(CAROL, "C1"));
      first.lookup([BOB]).subscribe();
      const [bobs = ""] = savedIds(first.store.records, "index");
      first.lookup([CAROL]).subscribe();
      put(first.store.records, [["index", bobs], [[7, "?"]]]);
      const { tracker } = restarted(m, first, { connected: false });
      const find$ = (userId: string, deviceId: string) =>
        tracker.findDevice("ed25519", keyOf(edName(userId, deviceId)));
      m.expectObservable(find$(BOB, "B1")).toBe("(f|)", { f: [{ userId: BOB, deviceId: "B1" }] });
      m.expectObservable(find$(CAROL, "C1")).toBe("(f|)", { f: [{ userId: CAROL, deviceId: "C1" }] });
    }),
  );
});
