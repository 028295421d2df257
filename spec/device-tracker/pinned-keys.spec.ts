import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { listKey, pinsKey } from "../../src/store/records.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved } from "../support/saved.js";
import { shields } from "../support/shields.js";
import { edName, identityOf, keyOf, listOf, signed, signature, together } from "../support/signed.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed, left, step } from "../support/wire.js";

const HONEST = listOf(BOB, signed(BOB, "B1"));
/** The same device ID with another key, properly signed by it. */
const SWAPPED = listOf(BOB, signed(BOB, "B1", { key: "evil", curve: "evilcurve" }));
/** What there is nothing to verify of, so that it comes to be saved at once. */
const UNSIGNED = listOf(BOB, signed(BOB, "B1", { signed: false }));
const UNSIGNED_SWAPPED = listOf(BOB, signed(BOB, "B1", { signed: false, key: "evil" }));
const NOBODY = answer({});
const REFUSED = "bob !B1:key-changed none";

/** A tracker, and what it tells of Bob when it asks the server. */
function pinning(m: Marbles, setUp: TrackerSetUp = {}) {
  const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
  verifier.forged.add(9);
  const under = trackerIn(m, { tracking: [BOB, CAROL], verifier, ...setUp });
  const fetch$ = under.tracker
    .getDeviceKeys([BOB], { forceDownload: true })
    .pipe(map((users) => shields(users).join()));
  return { ...under, verifier, fetch$ };
}

describe("a device's first key", () => {
  it(
    "stays its key: another one is refused, and the device as it was is kept",
    marbles((m) => {
      const { fetch$, tracker } = pinning(m, { answers: [of(HONEST), of(SWAPPED)] });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(fetch$, "--^-").toBe("--(b|)", { b: "bob B1:s !B1:key-changed none current" });
      m.expectObservable(
        tracker.getKnownDeviceKeys([BOB]).pipe(map((users) => users.get(BOB)?.deviceKeys.get("B1"))),
        "---^",
      ).toBe("---(b|)", { b: signed(BOB, "B1") });
    }),
  );

  it(
    "is not replaced by no key at all",
    marbles((m) => {
      const keyless = { ...signed(BOB, "B1", { signed: false }), keys: { "curve25519:B1": keyOf("curve") } };
      const { fetch$ } = pinning(m, { answers: [of(HONEST), of(listOf(BOB, keyless))] });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(fetch$, "--^-").toBe("--(b|)", { b: "bob B1:s !B1:key-changed none current" });
    }),
  );

  it(
    "is not that of an answer whose signature does not hold",
    marbles((m) => {
      const forged = { ...signed(BOB, "B1", { key: "evil" }), signatures: { [BOB]: { "ed25519:B1": signature(9) } } };
      const { fetch$ } = pinning(m, { answers: [of(listOf(BOB, forged)), of(HONEST)] });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob !B1:invalid-signature none current" });
      m.expectObservable(fetch$, "--^-").toBe("--(b|)", { b: "bob B1:s none current" });
    }),
  );

  it(
    "outlives the device: it was deleted and comes back with another, then with its own",
    marbles((m) => {
      const { fetch$ } = pinning(m, { answers: [of(HONEST), of(NOBODY), of(SWAPPED), of(HONEST)] });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(fetch$, "--^-").toBe("--(b|)", { b: "bob none current" });
      m.expectObservable(fetch$, "---^-").toBe("---(b|)", { b: `${REFUSED} current` });
      m.expectObservable(fetch$, "----^-").toBe("----(b|)", { b: "bob B1:s none current" });
    }),
  );

  it(
    "outlives that its user left: while they are away, and when they are back",
    marbles((m) => {
      const sync$ = m.hot("--x-y", { x: left(BOB), y: step("s2", { changed: [BOB] }) });
      const { fetch$ } = pinning(m, { sync$, answers: [of(HONEST), of(SWAPPED), of(SWAPPED)] });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(fetch$, "---^-").toBe("---(b|)", { b: `${REFUSED} untracked` });
      m.expectObservable(fetch$, "-----^-").toBe("-----(b|)", { b: `${REFUSED} current` });
    }),
  );

  it(
    "is pinned by an answer that was superseded and never cached",
    marbles((m) => {
      const { fetch$ } = pinning(m, {
        sync$: m.hot("--x", { x: changed(BOB) }),
        answers: [m.cold("--(b|)", { b: HONEST }), of(SWAPPED)],
      });
      m.expectObservable(fetch$, "-^-").toBe("---(b|)", { b: "bob B1:s none superseded" });
      m.expectObservable(fetch$, "----^-").toBe("----(b|)", { b: `${REFUSED} current` });
    }),
  );

  it(
    "is pinned by an answer that was superseded while it was verified",
    marbles((m) => {
      const { fetch$, verifier } = pinning(m, {
        sync$: m.hot("--x", { x: changed(BOB) }),
        answers: [of(HONEST), of(SWAPPED)],
      });
      verifier.takes = 2;
      m.expectObservable(fetch$, "-^-").toBe("---(b|)", { b: "bob B1:s none superseded" });
      m.expectObservable(fetch$, "----^-").toBe("------(b|)", { b: `${REFUSED} current` });
    }),
  );

  it(
    "is pinned by an answer that the store refused to cache",
    marbles((m) => {
      const store = memoryStore();
      const { fetch$ } = pinning(m, { store, answers: [m.cold("---(b|)", { b: HONEST }), of(SWAPPED)] });
      pinning(m, { store, tracking: [], sync$: m.hot("--x", { x: changed(BOB) }) });
      m.expectObservable(fetch$, "-^-").toBe("----(b|)", { b: "bob B1:s none superseded" });
      m.expectObservable(fetch$, "-----^-").toBe("-----(b|)", { b: `${REFUSED} current` });
    }),
  );

  it(
    "is pinned for users who are not tracked, and whose server is reported as failing",
    marbles((m) => {
      const unreachable = { ...HONEST, failures: { "example.org": {} } };
      const { fetch$ } = pinning(m, {
        tracking: [],
        sync$: m.hot("----x", { x: changed(BOB) }),
        answers: [of(unreachable), of(SWAPPED), of(SWAPPED)],
      });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob B1:s none unreachable" });
      m.expectObservable(fetch$, "--^-").toBe("--(b|)", { b: `${REFUSED} untracked` });
      m.expectObservable(fetch$, "-----^-").toBe("-----(b|)", { b: `${REFUSED} current` });
    }),
  );

  it(
    "is that of the device and the user, not of the ID alone",
    marbles((m) => {
      const { fetch$, tracker } = pinning(m, { answers: [of(HONEST), of(listOf(CAROL, signed(CAROL, "B1")))] });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(tracker.getDeviceKeys([CAROL]).pipe(map(shields)), "--^-").toBe("--(b|)", {
        b: ["carol B1:s none current"],
      });
    }),
  );

  it(
    "is not given up for that the device was refused once",
    marbles((m) => {
      const { fetch$ } = pinning(m, { answers: [of(HONEST), of(SWAPPED), of(SWAPPED), of(NOBODY), of(SWAPPED)] });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob B1:s none current" });
      for (const wait of ["--", "---"])
        m.expectObservable(fetch$, `${wait}^-`).toBe(`${wait}(b|)`, { b: "bob B1:s !B1:key-changed none current" });
      m.expectObservable(fetch$, "----^-").toBe("----(b|)", { b: "bob none current" });
      m.expectObservable(fetch$, "-----^-").toBe("-----(b|)", { b: `${REFUSED} current` });
    }),
  );

  it(
    "of a kept device costs the others nothing",
    marbles((m) => {
      const { fetch$ } = pinning(m, {
        answers: [
          of(HONEST),
          of(
            together(
              listOf(BOB, signed(BOB, "B1", { key: "evil" }), signed(BOB, "B2", { by: "bobS" })),
              identityOf(BOB, "bob"),
            ),
          ),
        ],
      });
      m.expectObservable(fetch$, "-^-").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(fetch$, "--^-").toBe("--(b|)", { b: "bob B1:s B2:sx !B1:key-changed unchanged current" });
    }),
  );

  it(
    "is the first of two answers that come in one transaction",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("             --x   ", { x: changed(BOB) });
      const first$ = m.cold("            --(b|)", { b: UNSIGNED });
      const second$ = m.cold("             -(b|)", { b: UNSIGNED_SWAPPED });
      const { fetch$ } = pinning(m, { store, sync$, answers: [first$, second$] });
      store.takes = 5; // the commit of the change until 7, then both saves until 12
      m.expectObservable(fetch$, "       -^--").toBe("------------(b|)", { b: "bob B1: none superseded" });
      m.expectObservable(fetch$, "       ---^").toBe("------------(b|)", { b: `${REFUSED} current` });
    }),
  );
});

describe("after a restart", () => {
  it(
    "a swapped key is refused, and the saved device kept",
    marbles((m) => {
      const store = memoryStore();
      const { fetch$ } = pinning(m, { store, answers: [of(HONEST)] });
      m.expectObservable(fetch$).toBe("(b|)", { b: "bob B1:s none current" });
      const restarted = pinning(m, { store, tracking: [], answers: [of(SWAPPED)] });
      m.expectObservable(restarted.fetch$, "--^").toBe("--(b|)", { b: "bob B1:s !B1:key-changed none current" });
    }),
  );

  it(
    "it is so too for a device that was deleted before, of a user who was never tracked",
    marbles((m) => {
      const store = memoryStore();
      const { fetch$ } = pinning(m, { store, tracking: [], answers: [of(HONEST), of(NOBODY)] });
      m.expectObservable(fetch$, "^").toBe("(b|)", { b: "bob B1:s none untracked" });
      m.expectObservable(fetch$, "-^").toBe("-(b|)", { b: "bob none untracked" });
      const restarted = pinning(m, { store, tracking: [], answers: [of(SWAPPED)] });
      m.expectObservable(restarted.fetch$, "--^").toBe("--(b|)", { b: `${REFUSED} untracked` });
    }),
  );

  it(
    "another tab's pins count like one's own",
    marbles((m) => {
      const store = memoryStore();
      const one = pinning(m, { store, answers: [of(HONEST), of(NOBODY)] });
      const other = pinning(m, { store, tracking: [], answers: [of(NOBODY), of(SWAPPED)] });
      m.expectObservable(other.fetch$, "^").toBe("(b|)", { b: "bob none current" });
      m.expectObservable(one.fetch$, "-^").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(one.fetch$, "--^").toBe("--(b|)", { b: "bob none current" });
      m.expectObservable(other.fetch$, "---^").toBe("---(b|)", { b: `${REFUSED} current` });
    }),
  );
});

describe("while the store fails", () => {
  it(
    "memory holds keys against what it has seen, and the store against it once it works again",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { fetch$, problems$ } = pinning(m, {
        store,
        answers: [of(HONEST), of(SWAPPED), of(NOBODY), of(SWAPPED), of(SWAPPED)],
      });
      for (let i = 0; i < 4; i++) store.failNext("the disk is full", "update");
      m.expectObservable(fetch$, "-^").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(fetch$, "--^").toBe("--(b|)", { b: "bob B1:s !B1:key-changed none current" });
      m.expectObservable(fetch$, "---^").toBe("---(b|)", { b: "bob none current" });
      m.expectObservable(fetch$, "----^").toBe("----(b|)", { b: `${REFUSED} current` });
      m.expectObservable(fetch$, "-----^").toBe("-----(b|)", { b: `${REFUSED} current` });
      m.expectObservable(problems$).toBe("-pppp", { p: "save-failed" });
      m.afterwards(() => {
        expect(saved(store.records, pinsKey(BOB))).toMatchObject({
          devices: new Map([["B1", keyOf(edName(BOB, "B1"))]]),
        });
      });
    }),
  );

  it(
    "what it pins of users who are not tracked is saved with their next answer",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { fetch$ } = pinning(m, { store, tracking: [], answers: [of(HONEST), of(SWAPPED)] });
      m.expectObservable(pinning(m, { store, tracking: [] }).lookup([])).toBe("(x|)", { x: [] }); // the store has an owner
      m.acts("-f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(fetch$, "--^").toBe("--(b|)", { b: "bob B1:s none untracked" });
      m.expectObservable(fetch$, "---^").toBe("---(b|)", { b: `${REFUSED} untracked` });
      const restarted = pinning(m, { store, tracking: [], answers: [of(SWAPPED)] });
      m.expectObservable(restarted.fetch$, "----^").toBe("----(b|)", { b: `${REFUSED} untracked` });
    }),
  );

  it(
    "what was saved before goes before what memory has pinned",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const first = pinning(m, { store, answers: [of(HONEST), of(NOBODY)] });
      m.expectObservable(first.fetch$, "-^").toBe("-(b|)", { b: "bob B1:s none current" });
      m.expectObservable(first.fetch$, "--^").toBe("--(b|)", { b: "bob none current" });
      const { fetch$ } = pinning(m, { store, tracking: [], answers: [of(SWAPPED), of(SWAPPED)] });
      m.expectObservable(fetch$, "----^").toBe("----(b|)", { b: `${REFUSED} current` }); // memory knows nothing of a device that was deleted, but the store can still be read
      m.expectObservable(fetch$, "-----^").toBe("-----(b|)", { b: `${REFUSED} current` });
      m.acts("---f", { f: () => store.failNext("the disk is full", "update") });
    }),
  );

  it(
    "what an answer pins is not lost for that another save was waiting behind it",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("             --x           ", { x: changed(BOB) });
      const first$ = m.cold("            ---(b|)      ", { b: UNSIGNED });
      const second$ = m.cold("             --(b|)     ", { b: NOBODY });
      const { fetch$ } = pinning(m, { store, sync$, answers: [first$, second$, of(SWAPPED)] });
      m.acts("                          ---t-------------w", {
        t: () => {
          store.takes = 4;
          store.failNext("the disk is full", "update");
        },
        w: () => {
          store.takes = 0;
        },
      });
      m.expectObservable(fetch$, "       -^--           ").toBe("------------(b|)", { b: "bob B1: none superseded" }); // its save fails, and the store is asked what it had pinned
      m.expectObservable(fetch$, "       ---^           ").toBe("----------------(b|)", { b: "bob none current" });
      m.expectObservable(fetch$, "       ------------------^").toBe("------------------(b|)", {
        b: `${REFUSED} current`,
      });
    }),
  );
});

describe("pins that are damaged", () => {
  it(
    "are reported, and the keys of the saved list stand in for them",
    marbles((m) => {
      const store = memoryStore();
      const { fetch$, problems, problems$ } = pinning(m, {
        store,
        answers: [
          of(together(HONEST, identityOf(BOB, "first"))),
          of(together(SWAPPED, identityOf(BOB, "other"))),
          of(together(SWAPPED, identityOf(BOB, "other"))),
        ],
      });
      m.expectObservable(fetch$).toBe("(b|)", { b: "bob B1:s unchanged current" });
      m.acts("-d", { d: () => put(store, [pinsKey(BOB), { devices: "?" }]) });
      for (const wait of ["--", "---"])
        m.expectObservable(fetch$, `${wait}^`).toBe(`${wait}(b|)`, { b: "bob B1:s !B1:key-changed changed current" });
      m.expectObservable(problems$).toBe("--p", { p: "records-damaged" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ kind: "pins", ids: [BOB] }]);
        expect(saved(store, pinsKey(BOB))).toEqual({
          devices: new Map([["B1", keyOf(edName(BOB, "B1"))]]),
          masterKey: keyOf("firstM"),
          signed: new Set(["B1"]),
        });
      });
    }),
  );

  it(
    "are made anew from the answer where the saved list is damaged, too",
    marbles((m) => {
      const store = memoryStore();
      const { fetch$ } = pinning(m, { store, answers: [of(HONEST)] });
      m.expectObservable(fetch$).toBe("(b|)", { b: "bob B1:s none current" });
      m.acts("-d", { d: () => put(store, [pinsKey(BOB), 7], [listKey(BOB), 7]) });
      const restarted = pinning(m, { store, tracking: [], answers: [of(SWAPPED), of(HONEST)] });
      m.expectObservable(restarted.fetch$, "--^").toBe("--(b|)", { b: "bob B1(evil):s none current" });
      m.expectObservable(restarted.fetch$, "---^").toBe("---(b|)", {
        b: "bob B1(evil):s !B1:key-changed none current",
      });
    }),
  );
});
