import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError, StoreOwnerError } from "../../src/model/errors.js";
import { listKey } from "../../src/store/records.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved, savedIds } from "../support/saved.js";
import { curveName, edName, keyOf, listOf, signed, together, type SignedProperties } from "../support/signed.js";
import { localpart } from "../support/summary.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { changed, left } from "../support/wire.js";

const bobs = (...devices: readonly (readonly [deviceId: string, properties?: SignedProperties])[]) =>
  listOf(BOB, ...devices.map(([deviceId, properties]) => signed(BOB, deviceId, properties)));
const B1 = bobs(["B1"]);
const CURVE = curveName(BOB, "B1");
const KINDS = ["claims/curve25519", "claims/ed25519"];
const NOBODY: readonly string[] = [];

function finding(m: Marbles, setUp: TrackerSetUp = {}) {
  const under = trackerIn(m, {
    tracking: [BOB, CAROL],
    verifier: new ScriptedVerifier({ scheduler: m.scheduler }),
    ...setUp,
  });
  const find$ = (name: string, algorithm = "curve25519") =>
    under.tracker
      .findDevice(algorithm, keyOf(name))
      .pipe(map((claimants) => claimants.map(({ userId, deviceId }) => `${localpart(userId)} ${deviceId}`)));
  /** Asks the server at each of these frames. */
  const ask = (timing: string, users: readonly string[] = [BOB]) => {
    m.acts(timing, {
      q: () => {
        under.tracker.getDeviceKeys(users, { forceDownload: true }).subscribe();
      },
    });
  };
  return { ...under, find$, ask };
}

describe("findDevice", () => {
  it(
    "finds a device by either of its keys once its list is saved, and by no other",
    marbles((m) => {
      const { find$, ask } = finding(m, { answers: [of(B1)] });
      m.expectObservable(find$(CURVE), "^").toBe("(x|)", { x: NOBODY });
      ask("-q");
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(edName(BOB, "B1"), "ed25519"), "--^").toBe("--(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(CURVE, "ed25519"), "--^").toBe("--(x|)", { x: NOBODY });
      m.expectObservable(find$("other"), "--^").toBe("--(x|)", { x: NOBODY });
      for (const algorithm of ["signed_curve25519", "", "__proto__", "constructor"])
        m.expectObservable(find$(CURVE, algorithm), "--^").toBe("--(x|)", { x: NOBODY });
    }),
  );

  it(
    "finds no device that was saved unsigned, where the application refuses those by now",
    marbles((m) => {
      const store = memoryStore();
      const { ask } = finding(m, {
        store,
        answers: [of(listOf(BOB, signed(BOB, "B1"), signed(BOB, "B2", { signed: false })))],
      });
      ask("-q");
      const { find$ } = finding(m, { store, tracking: [], unsignedDevices: "refuse" });
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(curveName(BOB, "B2")), "--^").toBe("--(x|)", { x: NOBODY });
    }),
  );

  it(
    "gives every claimant of a key that two users claim, whoever came first",
    marbles((m) => {
      const { find$, ask } = finding(m, {
        answers: [of(B1), of(listOf(CAROL, signed(CAROL, "C1", { curve: CURVE }))), of(listOf(CAROL))],
      });
      ask("-q");
      ask("--q", [CAROL]);
      m.expectObservable(find$(CURVE), "---^").toBe("---(x|)", { x: ["bob B1", "carol C1"] });
      ask("----q", [CAROL]);
      m.expectObservable(find$(CURVE), "-----^").toBe("-----(x|)", { x: ["bob B1"] });
    }),
  );

  it(
    "gives both, too, where one answer brings them",
    marbles((m) => {
      const { find$, ask } = finding(m, {
        answers: [of(together(B1, listOf(CAROL, signed(CAROL, "C1", { curve: CURVE }))))],
      });
      ask("-q", [BOB, CAROL]);
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1", "carol C1"] });
    }),
  );

  it(
    "finds neither of two devices of one user with one curve25519 key: both are refused",
    marbles((m) => {
      const { find$, ask } = finding(m, { answers: [of(B1), of(bobs(["B1"], ["B2", { curve: CURVE }]))] });
      ask("-qq");
      m.expectObservable(find$(CURVE), "---^").toBe("---(x|)", { x: NOBODY });
    }),
  );

  it(
    "follows changed keys, deleted devices and refused ones",
    marbles((m) => {
      const { find$, ask } = finding(m, {
        answers: [
          of(bobs(["B1"], ["B2"])),
          of(bobs(["B1", { curve: "next" }], ["B2", { key: "evil", curve: "evilcurve" }])),
          of(bobs(["B2"])),
        ],
      });
      ask("-q");
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1"] });
      ask("---q");
      m.expectObservable(find$(CURVE), "----^").toBe("----(x|)", { x: NOBODY });
      m.expectObservable(find$("next"), "----^").toBe("----(x|)", { x: ["bob B1"] });
      m.expectObservable(find$("evilcurve"), "----^").toBe("----(x|)", { x: NOBODY });
      m.expectObservable(find$(curveName(BOB, "B2")), "----^").toBe("----(x|)", { x: ["bob B2"] });
      ask("-----q");
      m.expectObservable(find$("next"), "------^").toBe("------(x|)", { x: NOBODY });
      m.expectObservable(find$(edName(BOB, "B1"), "ed25519"), "------^").toBe("------(x|)", { x: NOBODY });
    }),
  );

  it(
    "follows a key that goes from one device to another",
    marbles((m) => {
      const { find$, ask } = finding(m, { answers: [of(B1), of(bobs(["B2", { curve: CURVE }]))] });
      ask("-qq");
      m.expectObservable(find$(CURVE), "---^").toBe("---(x|)", { x: ["bob B2"] });
    }),
  );

  it(
    "forgets who left, and leaves no record of it",
    marbles((m) => {
      const store = memoryStore();
      const { find$, ask } = finding(m, {
        store,
        sync$: m.hot("---x", { x: left(BOB) }),
        answers: [of(B1), of(listOf(CAROL, signed(CAROL, "C1", { curve: CURVE }))), of(listOf(CAROL))],
      });
      ask("-q");
      ask("--q--q", [CAROL]);
      m.expectObservable(find$(CURVE), "----^").toBe("----(x|)", { x: ["carol C1"] });
      m.afterwards(() => {
        expect(KINDS.flatMap((kind) => savedIds(store, kind))).toEqual([]);
      });
    }),
  );

  it(
    "forgets who left in a tab that has none of their lists in memory",
    marbles((m) => {
      const store = memoryStore();
      finding(m, { store, answers: [of(B1)] }).ask("-q");
      const restarted = finding(m, { store, tracking: [], sync$: m.hot("---x", { x: left(BOB) }) });
      m.expectObservable(restarted.find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1"] });
      m.expectObservable(restarted.find$(CURVE), "----^").toBe("----(x|)", { x: NOBODY });
    }),
  );

  it(
    "follows a list that another tab has saved since this one's memory",
    marbles((m) => {
      const store = memoryStore();
      const one = finding(m, { store, answers: [of(B1), of(bobs(["B1", { curve: "third" }]))] });
      const other = finding(m, { store, tracking: [], answers: [of(bobs(["B1", { curve: "second" }]))] });
      one.ask("-q-q");
      other.ask("--q");
      m.expectObservable(one.find$("second"), "---^").toBe("---(x|)", { x: NOBODY });
      m.expectObservable(other.find$("third"), "----^").toBe("----(x|)", { x: ["bob B1"] });
      m.expectObservable(other.find$(CURVE), "----^").toBe("----(x|)", { x: NOBODY });
      m.afterwards(() => {
        expect(savedIds(store, "claims/curve25519")).toEqual([keyOf("third")]);
      });
    }),
  );

  it(
    "knows outdated lists' devices, and none of lists that were never saved",
    marbles((m) => {
      const sync$ = m.hot("--x", { x: changed(BOB) });
      const { find$, ask } = finding(m, {
        sync$,
        answers: [
          of(B1),
          of(listOf(DAVE, signed(DAVE, "D1"))),
          of({ ...listOf(CAROL, signed(CAROL, "C1")), failures: { "example.org": {} } }),
        ],
      });
      ask("-q");
      ask("--q", [DAVE]);
      ask("---q", [CAROL]);
      m.expectObservable(find$(CURVE), "----^").toBe("----(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(curveName(DAVE, "D1")), "----^").toBe("----(x|)", { x: NOBODY });
      m.expectObservable(find$(curveName(CAROL, "C1")), "----^").toBe("----(x|)", { x: NOBODY });
    }),
  );

  it(
    "survives a restart",
    marbles((m) => {
      const store = memoryStore();
      finding(m, { store, answers: [of(B1)] }).ask("-q");
      m.expectObservable(finding(m, { store, tracking: [] }).find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1"] });
    }),
  );

  it(
    "is kept in the transaction that saves the list: none of it is written where that fails",
    marbles((m) => {
      const log: StoreLog = { reads: [], writes: [] };
      const store = new ScriptedStore({ scheduler: m.scheduler, records: countingStore(log) });
      const { find$, ask } = finding(m, {
        store,
        answers: [of(B1), of(bobs(["B1", { curve: "next" }])), of(bobs(["B1", { curve: "next" }]))],
      });
      ask("-q-q-q");
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(find$(CURVE), "----^").toBe("----(x|)", { x: ["bob B1"] });
      m.expectObservable(find$("next"), "----^").toBe("----(x|)", { x: NOBODY });
      m.expectObservable(find$(CURVE), "------^").toBe("------(x|)", { x: NOBODY });
      m.expectObservable(find$("next"), "------^").toBe("------(x|)", { x: ["bob B1"] });
      m.afterwards(() => {
        const listWrites = log.writes.filter((keys) => keys.includes(`list/${BOB}`));
        expect(listWrites.map((keys) => keys.filter((key) => key.startsWith("claims/curve25519/")).sort())).toEqual([
          [`claims/curve25519/${keyOf(CURVE)}`],
          [`claims/curve25519/${keyOf(CURVE)}`, `claims/curve25519/${keyOf("next")}`],
        ]);
        expect(log.writes.filter((keys) => keys.some((key) => key.startsWith("claims/")))).toHaveLength(2);
      });
    }),
  );

  it(
    "is kept in the transaction that commits a step, too: who left stays in it as long as that fails",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { find$, ask } = finding(m, { store, sync$: m.hot("---x", { x: left(BOB) }), answers: [of(B1)] });
      ask("-q");
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(find$(CURVE), "-----^").toBe("-----(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(CURVE), "1004ms ^").toBe("1004ms (x|)", { x: NOBODY });
      m.acts("-----c", {
        c: () => {
          expect(saved(store.records, listKey(BOB))).toBeDefined();
        },
      });
    }),
  );

  it(
    "touches no record of it for a list whose keys are the same",
    marbles((m) => {
      const log: StoreLog = { reads: [], writes: [] };
      const { ask } = finding(m, {
        store: countingStore(log),
        answers: [of(B1), of(bobs(["B1", { name: "renamed" }]))],
      });
      ask("-q-q");
      m.acts("--c", {
        c: () => {
          log.writes.length = 0;
          log.reads.length = 0;
        },
      });
      m.afterwards(() => {
        expect([...log.reads, ...log.writes].flat().filter((key) => key.startsWith("claims/"))).toEqual([]);
      });
    }),
  );

  it(
    "is damaged for one key only where a record is",
    marbles((m) => {
      const store = memoryStore();
      const { find$, ask } = finding(m, {
        store,
        answers: [of(bobs(["B1"], ["B2"])), of(bobs(["B2"])), of(bobs(["B1"], ["B2"]))],
      });
      ask("-q");
      m.acts("--d", {
        d: () =>
          put(store, [
            ["claims/curve25519", keyOf(CURVE)],
            [{ userId: 7 }, "?"],
          ]),
      });
      m.expectObservable(find$(CURVE), "---^").toBe("---(x|)", { x: NOBODY });
      m.expectObservable(find$(curveName(BOB, "B2")), "---^").toBe("---(x|)", { x: ["bob B2"] });
      ask("----qq");
      m.expectObservable(find$(CURVE), "------^").toBe("------(x|)", { x: ["bob B1"] });
    }),
  );

  it(
    "does not go on naming a device whose list was damaged and is another one now",
    marbles((m) => {
      const store = memoryStore();
      finding(m, { store, answers: [of(B1)] }).ask("-q");
      m.acts("--d", { d: () => put(store, [listKey(BOB), { revision: 1, list: "?" }]) });
      const { find$, ask } = finding(m, { store, tracking: [], connected: false, answers: [of(bobs(["B2"]))] });
      ask("---q");
      m.expectObservable(find$(CURVE), "----^").toBe("----(x|)", { x: NOBODY });
    }),
  );

  it(
    "fails with another account's store before anything is read of it",
    marbles((m) => {
      const log: StoreLog = { reads: [], writes: [] };
      const store = countingStore(log);
      finding(m, { store, answers: [of(B1)] }).ask("-q");
      m.acts("--c", { c: () => (log.reads.length = 0) });
      m.expectObservable(finding(m, { store, tracking: [], userId: CAROL }).find$(CURVE), "---^").toBe(
        "---#",
        undefined,
        new StoreOwnerError("@alice:example.org", CAROL),
      );
      m.afterwards(() => {
        expect(log.reads).toEqual([["account/owner"]]);
      });
    }),
  );

  it(
    "fails once the store is cleared, also where another account has it by then",
    marbles((m) => {
      const store = memoryStore();
      const { find$, ask, problems$ } = finding(m, { store, answers: [of(B1)] });
      ask("-q");
      m.acts("--c", {
        c: () => {
          store.clear().subscribe();
        },
      });
      const carols = finding(m, { store, tracking: [], userId: CAROL, answers: [of(B1)] });
      m.acts("---q", {
        q: () => {
          carols.tracker.track([BOB]).subscribe();
          carols.tracker.getDeviceKeys([BOB]).subscribe();
        },
      });
      m.expectObservable(carols.find$(CURVE), "----^").toBe("----(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(CURVE), "----^").toBe("----#", undefined, new StoreClearedError());
      m.expectObservable(problems$).toBe("----p", { p: "store-cleared" });
      m.expectObservable(find$(CURVE), "-----^").toBe("-----#", undefined, new StoreClearedError());
    }),
  );

  it(
    "fails where the store cannot be read, and is cold: the next subscription reads again",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { find$, ask } = finding(m, { store, answers: [of(B1)] });
      ask("-q");
      const found$ = find$(CURVE);
      m.acts("--f", { f: () => store.failNext("broken", "read") });
      m.expectObservable(found$, "---^").toBe("---#", undefined, "broken");
      m.expectObservable(found$, "----^").toBe("----(x|)", { x: ["bob B1"] });
    }),
  );

  it(
    "asks nobody",
    marbles((m) => {
      const { find$, asked$ } = finding(m);
      m.expectObservable(find$(CURVE)).toBe("(x|)", { x: NOBODY });
      m.expectObservable(asked$).toBe("");
    }),
  );
});
