import { catchError, EMPTY, map, NEVER, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { VerificationFailedError } from "../../src/model/errors.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { listKey, pinsKey } from "../../src/store/records.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved, savedIds } from "../support/saved.js";
import { shields } from "../support/shields.js";
import { BY_DEVICE, BY_MASTER, BY_OWNER, identityOf, listOf, signed, signature, together } from "../support/signed.js";
import { trackerIn, type TrackerSetUp } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed, left, step } from "../support/wire.js";

const B1 = listOf(BOB, signed(BOB, "B1"));
const B2 = listOf(BOB, signed(BOB, "B2"));
const B_FORGED = listOf(BOB, signed(BOB, "B1"), {
  ...signed(BOB, "B2"),
  signatures: { [BOB]: { "ed25519:B2": signature(9) } },
});

/** A tracker whose verifier takes 3 ms unless it is told otherwise, and calls signatures forged that begin with 9. */
function slowly(m: Marbles, setUp: TrackerSetUp = {}, takes = 3) {
  const store = setUp.store ?? memoryStore();
  const verifier = new ScriptedVerifier({ scheduler: m.scheduler, takes });
  verifier.forged.add(9);
  const under = trackerIn(m, { tracking: [BOB, CAROL], store, verifier, ...setUp });
  const shielded = (users: readonly string[], options?: Parameters<typeof under.lookup>[1]) =>
    under.tracker.getDeviceKeys(users, options).pipe(map(shields));
  return { ...under, store, verifier, shielded };
}

const failed = (cause: unknown, signatures = 1) => new VerificationFailedError(signatures, { cause });

describe("an answer that is being verified", () => {
  it(
    "is given when that is done, and is then cached",
    marbles((m) => {
      const { shielded, asked$ } = slowly(m, { answers: [m.cold("--(b|)", { b: B_FORGED })] });
      m.expectObservable(shielded([BOB]), "^-------").toBe("-----(b|)", {
        b: ["bob B1:s !B2:invalid-signature none current"],
      });
      m.expectObservable(shielded([BOB]), "------^-").toBe("------(b|)", {
        b: ["bob B1:s !B2:invalid-signature none current"],
      });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
    }),
  );

  it(
    "is superseded by a change like one that is on the wire: told so, not saved, and callers after it get a new query",
    marbles((m) => {
      const sync$ = m.hot("              ---x            ", { x: changed(BOB) });
      const first$ = m.cold("            --(b|)          ", { b: B1 });
      const second$ = m.cold("               --(b|)      ", { b: B2 });
      const { shielded, asked$, store } = slowly(m, { sync$, answers: [first$, second$] });
      m.expectObservable(shielded([BOB]), "^--------------").toBe("-----(b|)", { b: ["bob B1:s none superseded"] });
      m.expectObservable(shielded([BOB]), "----^----------").toBe("---------(b|)", { b: ["bob B2:s none current"] });
      m.expectObservable(asked$).toBe("b---b", { b: "bob" });
      m.acts("------c", {
        c: () => {
          expect(saved(store, listKey(BOB))).toBeUndefined();
        },
      });
      m.afterwards(() => {
        expect(saved(store, listKey(BOB))).toMatchObject({
          list: { deviceKeys: new Map([["B2", signed(BOB, "B2")]]) },
        });
      });
    }),
  );

  it(
    "cannot bring an older list back: it is not saved over that of the newer query, though it is verified after it",
    marbles((m) => {
      const sync$ = m.hot("              ---x            ", { x: changed(BOB) });
      const first$ = m.cold("            --(b|)          ", { b: B1 });
      const second$ = m.cold("               (b|)        ", { b: B2 });
      const { shielded, store, verifier } = slowly(m, { sync$, answers: [first$, second$] }, 8);
      m.acts("---f", { f: () => (verifier.takes = 1) });
      m.expectObservable(shielded([BOB]), "^--------------").toBe("----------(b|)", {
        b: ["bob B1:s none superseded"],
      });
      m.expectObservable(shielded([BOB]), "----^----------").toBe("-----(b|)", { b: ["bob B2:s none current"] });
      m.expectObservable(shielded([BOB]), "-----------^---").toBe("-----------(b|)", { b: ["bob B2:s none current"] });
      m.afterwards(() => {
        expect(saved(store, listKey(BOB))).toMatchObject({
          list: { deviceKeys: new Map([["B2", signed(BOB, "B2")]]) },
        });
      });
    }),
  );

  it(
    "is not saved for a user who leaves meanwhile",
    marbles((m) => {
      const { shielded, store } = slowly(m, {
        sync$: m.hot("---x", { x: left(BOB) }),
        answers: [m.cold("--(b|)", { b: B1 })],
      });
      m.expectObservable(shielded([BOB])).toBe("-----(b|)", { b: ["bob B1:s none superseded"] });
      m.afterwards(() => {
        expect(savedIds(store, "list")).toEqual([]);
      });
    }),
  );

  it(
    "loses by a change only the user it names",
    marbles((m) => {
      const sync$ = m.hot("---x", { x: changed(CAROL) });
      const { shielded, store } = slowly(m, {
        sync$,
        answers: [m.cold("--(b|)", { b: together(B1, listOf(CAROL, signed(CAROL, "C1"))) })],
      });
      m.expectObservable(shielded([BOB, CAROL])).toBe("-----(b|)", {
        b: ["bob B1:s none current", "carol C1:s none superseded"],
      });
      m.afterwards(() => {
        expect(savedIds(store, "list")).toEqual([BOB]);
      });
    }),
  );

  it(
    "is superseded by a gap, too: what was missed may be newer than it",
    marbles((m) => {
      const sync$ = m.hot("              x--y            ", { x: step("s1"), y: { next_batch: "s3", since: "s2" } });
      const { shielded, store } = slowly(m, { sync$, changes: () => of({}), answers: [of(B1)] });
      m.expectObservable(shielded([BOB]), "-^").toBe("----(b|)", { b: ["bob B1:s none superseded"] });
      m.afterwards(() => {
        expect(savedIds(store, "list")).toEqual([]);
      });
    }),
  );

  it(
    "is joined by callers",
    marbles((m) => {
      const { shielded, asked$, verifier } = slowly(m, { answers: [m.cold("--(b|)", { b: B1 })] });
      m.expectObservable(shielded([BOB]), "^-------").toBe("-----(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(shielded([BOB]), "---^----").toBe("-----(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(shielded([BOB], { forceDownload: true }), "----^---").toBe("-----(b|)", {
        b: ["bob B1:s none current"],
      });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
      m.afterwards(() => {
        expect(verifier.asked).toHaveLength(1);
      });
    }),
  );

  it(
    "is saved though everyone leaves, and joined by one who comes then",
    marbles((m) => {
      const { shielded, asked$, store } = slowly(m, { answers: [m.cold("--(b|)", { b: B1 })] });
      m.expectObservable(shielded([BOB]), "^--!").toBe("----");
      m.expectObservable(shielded([BOB]), "----^").toBe("-----(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(shielded([BOB]), "------^").toBe("------(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(asked$).toBe("b", { b: "bob" });
      m.afterwards(() => {
        expect(savedIds(store, "list")).toEqual([BOB]);
      });
    }),
  );

  it(
    "is saved though everyone leaves and nobody comes",
    marbles((m) => {
      const { shielded, store } = slowly(m, { answers: [m.cold("--(b|)", { b: B1 })] });
      m.expectObservable(shielded([BOB]), "^--!").toBe("----");
      m.afterwards(() => {
        expect(savedIds(store, "list")).toEqual([BOB]);
      });
    }),
  );

  it(
    "does not count towards the cap of requests",
    marbles((m) => {
      const bob$ = m.cold("  --(b|)    ", { b: B1 });
      const carol$ = m.cold("  --(c|)  ", { c: answer({ [CAROL]: ["C1"] }) });
      const { shielded, asked$ } = slowly(m, { answers: [bob$, carol$], maxConcurrentQueries: 1 }, 20);
      m.expectObservable(shielded([BOB])).toBe("   ----------------------(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(shielded([CAROL])).toBe(" ----(c|)", { c: ["carol C1: none current"] });
      m.expectObservable(asked$).toBe("b-c", { b: "bob", c: "carol" });
    }),
  );
});

describe("verification", () => {
  it(
    "is not started where nothing is signed: a tracker with ports that answer at once stays synchronous",
    marbles((m) => {
      const { shielded } = slowly(m, {
        answers: [of(answer({ [BOB]: ["B1"] }))],
        verifier: { verify: () => throwError(() => new Error("asked")) },
      });
      m.expectObservable(shielded([BOB])).toBe("(b|)", { b: ["bob B1: none current"] });
    }),
  );

  it(
    "is not started for a signature that no verifier could let through",
    marbles((m) => {
      const bad = (text: string) =>
        listOf(BOB, { ...signed(BOB, "B1"), signatures: { [BOB]: { "ed25519:B1": text } } });
      const { shielded } = slowly(m, {
        answers: [of(bad("short")), of(bad(Buffer.alloc(64, 255).toString("base64url")))],
        verifier: { verify: () => throwError(() => new Error("asked")) },
      });
      m.expectObservable(shielded([BOB])).toBe("(b|)", { b: ["bob !B1:invalid-signature none current"] });
      m.expectObservable(shielded([BOB], { forceDownload: true }), "-^-").toBe("-(b|)", {
        b: ["bob !B1:invalid-signature none current"],
      });
    }),
  );

  it(
    "is asked once for all users of a request, for each signature that says something",
    marbles((m) => {
      const given = together(
        listOf(BOB, signed(BOB, "B1", { by: "bobS" }), signed(BOB, "B2")),
        identityOf(BOB, "bob"),
        listOf(CAROL, signed(CAROL, "C1")),
      );
      const { shielded, verifier } = slowly(m, { answers: [of(given)] });
      m.expectObservable(shielded([BOB, CAROL])).toBe("---(x|)", {
        x: ["bob B1:sx B2:s unchanged current", "carol C1:s none current"],
      });
      m.afterwards(() => {
        expect(verifier.asked.map(({ signature: [first] }) => first)).toEqual([
          BY_MASTER,
          BY_DEVICE,
          BY_OWNER,
          BY_DEVICE,
          BY_DEVICE,
        ]);
      });
    }),
  );

  it(
    "costs nobody the outcomes of another user's signatures",
    marbles((m) => {
      const given = together(
        listOf(BOB, signed(BOB, "B1"), signed(BOB, "B2")),
        listOf(
          CAROL,
          { ...signed(CAROL, "C1"), signatures: { [CAROL]: { "ed25519:C1": signature(9) } } },
          signed(CAROL, "C2"),
        ),
      );
      const { shielded } = slowly(m, { answers: [of(given)] });
      m.expectObservable(shielded([CAROL, BOB])).toBe("---(x|)", {
        x: ["carol C2:s !C1:invalid-signature none current", "bob B1:s B2:s none current"],
      });
    }),
  );

  it(
    "says nothing by a self-signing key that the master key has not signed",
    marbles((m) => {
      const { shielded, verifier, problems$ } = slowly(m, {
        answers: [of(together(listOf(BOB, signed(BOB, "B1", { by: "bobS" })), identityOf(BOB, "bob")))],
      });
      verifier.forged.add(BY_MASTER);
      m.expectObservable(shielded([BOB])).toBe("---(x|)", { x: ["bob B1:s unchanged current"] });
      m.expectObservable(problems$).toBe("---p", { p: "answer-refused" });
    }),
  );

  it(
    "leaves out what has not changed since, and asks about what has",
    marbles((m) => {
      const again = listOf(BOB, signed(BOB, "B1", { name: "renamed by our server" }), signed(BOB, "B2"));
      const { shielded, verifier } = slowly(m, {
        sync$: m.hot("-----x", { x: changed(BOB) }),
        answers: [of(B1), of(again), of(again)],
      });
      m.expectObservable(shielded([BOB]), "^-----------------").toBe("---(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(shielded([BOB]), "------^-----------").toBe("---------(b|)", {
        b: ["bob B1:s B2:s none current"],
      });
      m.expectObservable(shielded([BOB], { forceDownload: true }), "-------------^----").toBe("-------------(b|)", {
        b: ["bob B1:s B2:s none current"],
      });
      m.afterwards(() => {
        expect(verifier.asked).toHaveLength(2);
      });
    }),
  );

  it(
    "is done again for a device that has changed in what its signature covers, and no longer holds",
    marbles((m) => {
      const forged = {
        ...signed(BOB, "B1", { algorithms: ["m.other"] }),
        signatures: { [BOB]: { "ed25519:B1": signature(9) } },
      };
      const { shielded } = slowly(m, { answers: [of(B1), of(listOf(BOB, forged))] });
      m.expectObservable(shielded([BOB]), "^-----------------").toBe("---(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(shielded([BOB], { forceDownload: true }), "-----^----").toBe("--------(b|)", {
        b: ["bob B1:s !B1:invalid-signature none current"],
      }); // as it was before
    }),
  );

  it(
    "leaves out after a restart, too, what the saved list has",
    marbles((m) => {
      const given = together(B1, identityOf(BOB, "bob"));
      const { shielded, store } = slowly(m, { answers: [of(given)] });
      m.expectObservable(shielded([BOB])).toBe("---(b|)", { b: ["bob B1:s unchanged current"] });
      const restarted = slowly(m, {
        store,
        tracking: [],
        sync$: m.hot("-----x", { x: changed(BOB) }),
        answers: [of(given)],
        connected: false,
      });
      m.acts("----c", {
        c: () => {
          restarted.tracker.connect();
        },
      });
      m.expectObservable(restarted.shielded([BOB]), "------^--").toBe("------(b|)", {
        b: ["bob B1:s unchanged current"],
      });
      m.afterwards(() => {
        expect(restarted.verifier.asked).toEqual([]);
      });
    }),
  );

  it(
    "does not take a device for known that another user has under the same ID",
    marbles((m) => {
      const { shielded, verifier } = slowly(m, { answers: [of(B1), of(listOf(CAROL, signed(CAROL, "B1")))] });
      m.expectObservable(shielded([BOB])).toBe("---(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(shielded([CAROL]), "----^").toBe("-------(b|)", { b: ["carol B1:s none current"] });
      m.afterwards(() => {
        expect(verifier.asked).toHaveLength(2);
      });
    }),
  );
});

describe("a verifier that cannot work", () => {
  it(
    "fails everyone who waits, and leaves no trace: the next call asks again",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { shielded, asked$, verifier } = slowly(m, {
        store,
        answers: [m.cold("--(b|)", { b: B1 }), m.cold("--(b|)", { b: B1 })],
      });
      verifier.failNext("no ed25519");
      m.expectObservable(shielded([BOB]), "^----------").toBe("-----#", undefined, failed("no ed25519"));
      m.expectObservable(shielded([BOB]), "---^-------").toBe("-----#", undefined, failed("no ed25519"));
      m.acts("------c", {
        c: () => {
          expect(savedIds(store.records, "list")).toEqual([]);
          expect(saved(store.records, pinsKey(BOB))).toBeUndefined();
        },
      });
      m.expectObservable(shielded([BOB]), "------^").toBe("-----------(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(asked$).toBe("b-----b", { b: "bob" });
    }),
  );

  it(
    "lets one who retries from inside the error ask again",
    marbles((m) => {
      const { shielded, verifier, asked$ } = slowly(m, {
        answers: [m.cold("--(b|)", { b: B1 }), m.cold("--(b|)", { b: B1 })],
      });
      verifier.failNext("no ed25519");
      m.expectObservable(shielded([BOB]).pipe(catchError(() => shielded([BOB])))).toBe("----------(b|)", {
        b: ["bob B1:s none current"],
      });
      m.expectObservable(asked$).toBe("b----b", { b: "bob" });
    }),
  );

  it(
    "has the cause told where it throws instead",
    marbles((m) => {
      const broken = new Error("broken");
      const { shielded } = slowly(m, {
        answers: [of(B1)],
        verifier: {
          verify: () => {
            throw broken;
          },
        },
      });
      m.expectObservable(shielded([BOB])).toBe("#", undefined, failed(broken));
    }),
  );

  it(
    "is waited for as long as a query",
    marbles((m) => {
      const { shielded, asked$ } = slowly(m, {
        answers: [m.cold("--(b|)", { b: B1 }), of(answer({}))],
        verifier: { verify: () => NEVER },
        queryDeadline: 10,
      });
      m.expectObservable(shielded([BOB]), "^------------").toBe(
        "------------#",
        undefined,
        failed(new Error("it did not answer within 10 ms")),
      );
      m.expectObservable(shielded([BOB]), "-------------^").toBe("-------------(b|)", { b: ["bob none current"] });
      m.expectObservable(asked$).toBe("b------------b", { b: "bob" });
    }),
  );

  it(
    "bothers nobody once all have left",
    marbles((m) => {
      const { shielded, asked$ } = slowly(m, {
        answers: [m.cold("--(b|)", { b: B1 }), of(answer({}))],
        verifier: { verify: () => NEVER },
        queryDeadline: 10,
      });
      m.expectObservable(shielded([BOB]), "^--!").toBe("----");
      m.expectObservable(shielded([BOB]), "-------------^").toBe("-------------(b|)", { b: ["bob none current"] });
      m.expectObservable(asked$).toBe("b------------b", { b: "bob" });
    }),
  );

  it(
    "that completes without an outcome counts as failed",
    marbles((m) => {
      const { shielded } = slowly(m, { answers: [of(B1)], verifier: { verify: () => EMPTY } });
      m.expectObservable(shielded([BOB])).toBe("#", undefined, failed(new Error("it completed without an outcome")));
    }),
  );

  it(
    "has users of the call's other requests cached all the same",
    marbles((m) => {
      const carol = listOf(CAROL, signed(CAROL, "C1"));
      const { shielded, verifier, asked$, store } = slowly(m, {
        answers: [m.cold("(b|)", { b: B1 }), m.cold("--(c|)", { c: carol }), of(B1)],
        maxUsersPerQuery: 1,
      });
      verifier.failNext("no ed25519");
      m.expectObservable(shielded([BOB, CAROL]), "^------------").toBe("---#", undefined, failed("no ed25519"));
      m.expectObservable(shielded([BOB, CAROL]), "------^------").toBe("---------(x|)", {
        x: ["bob B1:s none current", "carol C1:s none current"],
      });
      m.expectObservable(asked$).toBe("(bc)--b", { b: "bob", c: "carol" });
      m.afterwards(() => {
        expect(savedIds(store, "list")).toEqual([CAROL, BOB]);
      });
    }),
  );

  it(
    "is told by a watcher, who asks again later",
    marbles((m) => {
      const { tracker, verifier, problems$ } = slowly(m, { answers: [of(B1), of(B1)] });
      verifier.failNext("no ed25519");
      m.expectObservable(tracker.watchDeviceKeys([BOB]).pipe(map(shields)), "^ 31s !").toBe("---a 30002ms b", {
        a: ["bob none unreachable"],
        b: ["bob B1:s none current"],
      });
      m.expectObservable(problems$).toBe("---p", { p: "watch-failed" });
    }),
  );
});

describe("devices that are not signed by themselves", () => {
  const given: KeysQueryResponse = together(
    listOf(
      BOB,
      signed(BOB, "B1"),
      signed(BOB, "B2", { signed: false }),
      signed(BOB, "B3", { signed: false, by: "bobS" }),
    ),
    identityOf(BOB, "bob"),
  );

  it(
    "are accepted, and marked",
    marbles((m) => {
      const { shielded } = slowly(m, { answers: [of(given)] });
      m.expectObservable(shielded([BOB])).toBe("---(b|)", { b: ["bob B1:s B2: B3:x unchanged current"] });
    }),
  );

  it(
    "are refused where the option says so, and do not cost the others",
    marbles((m) => {
      const { shielded, store } = slowly(m, { answers: [of(given)], unsignedDevices: "refuse" });
      m.expectObservable(shielded([BOB])).toBe("---(b|)", {
        b: ["bob B1:s !B2:unsigned !B3:unsigned unchanged current"],
      });
      m.afterwards(() => {
        expect(saved(store, pinsKey(BOB))).toMatchObject({ devices: new Map([["B1", expect.any(String)]]) });
      });
    }),
  );

  it(
    "are refused in lists, too, that were saved before the option said so",
    marbles((m) => {
      const store = memoryStore();
      const { shielded } = slowly(m, { store, answers: [of(given)] });
      m.expectObservable(shielded([BOB])).toBe("---(b|)", { b: ["bob B1:s B2: B3:x unchanged current"] });
      const restarted = slowly(m, { store, tracking: [], answers: [of(given)], unsignedDevices: "refuse" }, 0);
      m.expectObservable(restarted.shielded([BOB]), "-----^").toBe("-----(b|)", {
        b: ["bob B1:s !B2:unsigned !B3:unsigned unchanged current"],
      });
    }),
  );
});
