import { map, mergeMap, of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { ListRecord } from "../../src/lists/list-record.js";
import { listKey } from "../../src/store/records.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { shields, updateLine } from "../support/shields.js";
import { identityOf, listOf, signed, signature, together, type SignedProperties } from "../support/signed.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer, changed, left, step } from "../support/wire.js";

const bobs = (...devices: readonly (readonly [deviceId: string, properties?: SignedProperties])[]) =>
  listOf(BOB, ...devices.map(([deviceId, properties]) => signed(BOB, deviceId, properties)));
const B1 = bobs(["B1"]);
const B12 = bobs(["B1"], ["B2"]);

/** A tracker with a verifier that answers at once and calls signatures forged that begin with 9. */
function updating(m: Marbles, setUp: TrackerSetUp = {}) {
  const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
  verifier.forged.add(9);
  const under = trackerIn(m, { tracking: [BOB, CAROL], verifier, ...setUp });
  const updates$ = under.tracker.deviceUpdates$.pipe(map(updateLine));
  /** Asks the server again at each of these frames. */
  const ask = (timing: string, users = [BOB]) => {
    m.acts(timing, {
      q: () => {
        under.tracker.getDeviceKeys(users, { forceDownload: true }).subscribe();
      },
    });
  };
  return { ...under, verifier, updates$, ask };
}

describe("deviceUpdates$", () => {
  it(
    "tells every device as added the first time that a user is fetched",
    marbles((m) => {
      const { updates$, ask } = updating(m, { answers: [of(together(B12, listOf(CAROL, signed(CAROL, "C1"))))] });
      m.expectObservable(updates$).toBe("-(bc)", { b: "bob added B1,B2", c: "carol added C1" });
      ask("-q", [BOB, CAROL]);
    }),
  );

  it(
    "tells nothing of a user who has no devices and never had any",
    marbles((m) => {
      const { updates$, ask } = updating(m, { answers: [of(answer({}))] });
      m.expectObservable(updates$).toBe("--");
      ask("-q");
    }),
  );

  it(
    "tells nothing of an answer that says what the one before it said",
    marbles((m) => {
      const { updates$, ask } = updating(m, { answers: [of(B12), of(bobs(["B2"], ["B1"])), of(B12)] });
      m.expectObservable(updates$).toBe("-a-", { a: "bob added B1,B2" });
      ask("-qqq");
    }),
  );

  it(
    "tells nothing of an answer that says what is saved, after a restart",
    marbles((m) => {
      const store = memoryStore();
      const first = updating(m, { store, answers: [of(B12)] });
      first.ask("-q");
      const { updates$, ask } = updating(m, { store, tracking: [], answers: [of(B12), of(B1)] });
      m.expectObservable(updates$).toBe("---b", { b: "bob removed B2" });
      ask("--qq");
    }),
  );

  it(
    "tells what was added, what was removed, and a removal of all",
    marbles((m) => {
      const { updates$, ask } = updating(m, { answers: [of(B1), of(bobs(["B2"])), of(answer({}))] });
      m.expectObservable(updates$).toBe("-abc", {
        a: "bob added B1",
        b: "bob added B2 removed B1",
        c: "bob removed B2",
      });
      ask("-qqq");
    }),
  );

  it(
    "tells new names, of which signatures say nothing",
    marbles((m) => {
      const { updates$, ask } = updating(m, {
        answers: [of(bobs(["B1", { name: "old" }])), of(bobs(["B1", { name: "new" }])), of(B1)],
      });
      m.expectObservable(updates$).toBe("-abc", { a: "bob added B1", b: "bob renamed B1", c: "bob renamed B1" });
      ask("-qqq");
    }),
  );

  it(
    "tells devices that their owner has signed since, and that have lost that",
    marbles((m) => {
      const bob = identityOf(BOB, "bob");
      const { updates$, ask } = updating(m, {
        answers: [
          of(together(B12, bob)),
          of(together(bobs(["B1", { by: "bobS" }], ["B2"]), bob)),
          of(together(B12, bob)),
        ],
      });
      m.expectObservable(updates$).toBe("-abc", {
        a: "bob added B1,B2 identity unchanged",
        b: "bob crossSigned B1",
        c: "bob changed B1",
      });
      ask("-qqq");
    }),
  );

  it(
    "tells devices that are otherwise than they were, with the same keys",
    marbles((m) => {
      const { updates$, ask } = updating(m, {
        answers: [of(B1), of(bobs(["B1", { algorithms: ["other"] }])), of(bobs(["B1", { algorithms: ["another"] }]))],
      });
      m.expectObservable(updates$).toBe("-abc", { a: "bob added B1", b: "bob changed B1", c: "bob changed B1" });
      ask("-qqq");
    }),
  );

  it(
    "tells refused devices, each reason once",
    marbles((m) => {
      const forged = { ...signed(BOB, "B2"), signatures: { [BOB]: { "ed25519:B2": signature(9) } } };
      const { updates$, ask } = updating(m, {
        answers: [
          of(listOf(BOB, signed(BOB, "B1"), forged)),
          of(listOf(BOB, signed(BOB, "B1", { key: "stolen" }), forged)),
          of(listOf(BOB, signed(BOB, "B1", { key: "stolen" }), forged)),
          of(B12),
        ],
      });
      m.expectObservable(updates$).toBe("-ab-c", {
        a: "bob added B1 refused B2:invalid-signature",
        b: "bob refused B1:key-changed",
        c: "bob added B2",
      });
      ask("-qqqq");
    }),
  );

  it(
    "tells of an identity: that there is one, that it is another one, that it is gone",
    marbles((m) => {
      const { updates$, ask, problems$ } = updating(m, {
        answers: [
          of(B1),
          of(together(B1, identityOf(BOB, "first"))),
          of(together(B1, identityOf(BOB, "other"))),
          of(together(B1, identityOf(BOB, "other"))),
          of(B1),
          of(together(B1, identityOf(BOB, "first"))),
        ],
      });
      m.expectObservable(updates$).toBe("-abc-de", {
        a: "bob added B1",
        b: "bob identity unchanged",
        c: "bob identity changed",
        d: "bob identity removed",
        e: "bob identity unchanged",
      });
      m.expectObservable(problems$).toBe("");
      ask("-qqqqqq");
    }),
  );

  it(
    "tells which master key it is and was",
    marbles((m) => {
      const { tracker, ask } = updating(m, { answers: [of(identityOf(BOB, "first")), of(identityOf(BOB, "other"))] });
      const identities: unknown[] = [];
      tracker.deviceUpdates$.subscribe(({ identity }) => identities.push(identity));
      ask("-qq");
      m.afterwards(() => {
        expect(identities).toMatchObject([
          { state: "unchanged" },
          {
            state: "changed",
            masterKey: expect.stringMatching(/^otherMx/),
            pinnedMasterKey: expect.stringMatching(/^firstMx/),
            verified: false,
          },
        ]);
      });
    }),
  );

  it(
    "has our own identity's change reported apart as well, once",
    marbles((m) => {
      const own = (name: string) =>
        together(listOf(ALICE, signed(ALICE, "A1")), identityOf(ALICE, name, { own: true }));
      const { updates$, ask, problems, problems$ } = updating(m, {
        answers: [of(own("first")), of(own("other")), of(own("other"))],
      });
      m.expectObservable(updates$).toBe("-ab-", {
        a: "alice added A1 identity unchanged",
        b: "alice identity changed",
      });
      m.expectObservable(problems$).toBe("--p-", { p: "own-identity-changed" });
      ask("-qqq", [ALICE]);
      m.afterwards(() => {
        expect(problems).toMatchObject([
          { masterKey: expect.stringMatching(/^otherMx/), pinnedMasterKey: expect.stringMatching(/^firstMx/) },
        ]);
      });
    }),
  );

  it(
    "tells all as added of a user who left and came back",
    marbles((m) => {
      const { updates$, ask } = updating(m, {
        sync$: m.hot("--x--y", { x: left(BOB), y: step("s2", { changed: [BOB] }) }),
        answers: [of(B12), of(B1), of(B1)],
      });
      m.expectObservable(updates$).toBe("-a----b", { a: "bob added B1,B2", b: "bob added B1" });
      ask("-q-q--q");
    }),
  );

  it(
    "tells nothing of users who are not tracked, or could not be reached: nothing of theirs is saved",
    marbles((m) => {
      const { updates$, ask } = updating(m, {
        tracking: [BOB],
        answers: [of(listOf(CAROL, signed(CAROL, "C1"))), of({ ...B1, failures: { "example.org": {} } })],
      });
      m.expectObservable(updates$).toBe("---");
      ask("-q", [CAROL]);
      ask("--q");
    }),
  );

  it(
    "tells nothing of an answer that was superseded, and compares the next with what was saved",
    marbles((m) => {
      const { updates$, ask } = updating(m, {
        sync$: m.hot("---x", { x: changed(BOB) }),
        answers: [of(B1), m.cold("--(b|)", { b: bobs(["B2"]) }), of(B12)],
      });
      m.expectObservable(updates$).toBe("-a----b", { a: "bob added B1", b: "bob added B2" });
      ask("-qq---q");
    }),
  );

  it(
    "tells nothing of what was superseded while its signatures were verified",
    marbles((m) => {
      const { updates$, ask, verifier } = updating(m, {
        sync$: m.hot("---x", { x: changed(BOB) }),
        answers: [of(B1), of(B12)],
      });
      verifier.takes = 4;
      m.expectObservable(updates$).toBe("----------b", { b: "bob added B1,B2" });
      ask("-q----q");
    }),
  );

  it(
    "tells nothing of a list that the store refused: another tab knew of a change",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { updates$, ask } = updating(m, { store, answers: [m.cold("---(b|)", { b: B1 })] });
      const other = updating(m, {
        store: store.records,
        tracking: [],
        sync$: m.hot("--x", { x: changed(BOB) }),
        answers: [],
      });
      m.expectObservable(updates$).toBe("-------");
      m.expectObservable(other.updates$).toBe("-------");
      ask("-q");
    }),
  );

  it(
    "waits until it is durable",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { updates$, ask } = updating(m, { store, answers: [of(B1), of(B12)] });
      const savedNow = () => [...(saved(store.records, listKey(BOB)) as ListRecord).list.deviceKeys.keys()];
      m.acts("--t", { t: () => (store.takes = 4) });
      m.expectObservable(updates$).toBe("-a-----b", { a: "bob added B1", b: "bob added B2" });
      ask("-q-q");
      m.acts("------c-d", {
        c: () => {
          expect(savedNow()).toEqual(["B1"]);
        },
        d: () => {
          expect(savedNow()).toEqual(["B1", "B2"]);
        },
      });
    }),
  );

  it(
    "says nothing while the store fails, and then what a later save changes of what was saved",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { updates$, ask, problems$ } = updating(m, {
        store,
        answers: [of(B1), of(bobs(["B1"], ["B2"], ["B3"])), of(bobs(["B3"]))],
      });
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(updates$).toBe("-a--b", { a: "bob added B1", b: "bob added B3 removed B1" });
      m.expectObservable(problems$).toBe("---p", { p: "save-failed" });
      ask("-q-qq");
    }),
  );

  it(
    "reports our own identity's change, too, once it is durable",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { updates$, ask, problems$ } = updating(m, {
        store,
        answers: [of(identityOf(ALICE, "first")), of(identityOf(ALICE, "other"))],
      });
      m.acts("--t", { t: () => (store.takes = 4) });
      m.expectObservable(updates$).toBe("-a-----b", { a: "alice identity unchanged", b: "alice identity changed" });
      m.expectObservable(problems$).toBe("-------p", { p: "own-identity-changed" });
      ask("-q-q", [ALICE]);
    }),
  );

  it(
    "does not wait with our own identity's change where it cannot be saved",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { updates$, ask, problems$ } = updating(m, {
        store,
        answers: [of(identityOf(ALICE, "first")), of(identityOf(ALICE, "other"))],
      });
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(updates$).toBe("-a", { a: "alice identity unchanged" });
      m.expectObservable(problems$).toBe("---(sp)", { s: "save-failed", p: "own-identity-changed" });
      ask("-q-q", [ALICE]);
    }),
  );

  it(
    "comes when lookups find the new list: one from inside the emission asks nobody",
    marbles((m) => {
      const { tracker, ask, asked$ } = updating(m, { answers: [of(B1)] });
      const found: unknown[] = [];
      tracker.deviceUpdates$
        .pipe(mergeMap(() => tracker.getDeviceKeys([BOB])))
        .subscribe((users) => found.push(shields(users)));
      ask("-q");
      m.expectObservable(asked$).toBe("-b", { b: "bob" });
      m.afterwards(() => {
        expect(found).toEqual([["bob B1:s none current"]]);
      });
    }),
  );

  it(
    "is told though everyone who asked has left",
    marbles((m) => {
      const { tracker, verifier, updates$ } = updating(m, { answers: [of(B1)] });
      verifier.takes = 3;
      m.expectObservable(tracker.getDeviceKeys([BOB]), "-^!").toBe("---");
      m.expectObservable(updates$).toBe("----a", { a: "bob added B1" });
    }),
  );

  it(
    "is hot: who comes later is told of what comes later",
    marbles((m) => {
      const { updates$, ask } = updating(m, { answers: [of(B1), of(B12), of(B1)] });
      m.expectObservable(updates$, "^-!").toBe("-a", { a: "bob added B1" });
      m.expectObservable(updates$, "---^-").toBe("----b", { b: "bob removed B2" });
      ask("-qq-q");
    }),
  );
});
