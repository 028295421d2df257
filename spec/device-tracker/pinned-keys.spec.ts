import { map } from "rxjs";
import { describe, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { identityOf, keyOf, listOf, signed, signature, together } from "../support/signed.js";
import { FORGED, trusting, trustingAgain } from "../support/trusting.js";
import { BOB, CAROL } from "../support/users.js";
import { changed, left, step } from "../support/wire.js";

const HONEST = listOf(BOB, signed(BOB, "B1"));
/** The same device ID with another key, properly signed by it. */
const SWAPPED = listOf(BOB, signed(BOB, "B1", { key: "evil", curve: "evilcurve" }));
const NONE = listOf(BOB);
const honest = { b: ["bob B1:s none current"] };
const kept = { b: ["bob B1:s !B1:key-changed none current"] };
const refused = (freshness: string) => ({ b: [`bob !B1:key-changed none ${freshness}`] });

describe("a device's first key", () => {
  it(
    "stays: another one is refused, and the device is kept as it was",
    marbles((m) => {
      const { tracker, publish, fetch } = trusting(m);
      publish("ab", { a: HONEST, b: SWAPPED });
      m.expectObservable(fetch(BOB), "^-").toBe("(b|)", honest);
      m.expectObservable(fetch(BOB), "-^").toBe("-(b|)", kept);
      const device$ = tracker.getKnownDeviceKeys([BOB]).pipe(map((users) => users.get(BOB)?.deviceKeys.get("B1")));
      m.expectObservable(device$, "--^").toBe("--(b|)", { b: signed(BOB, "B1") });
    }),
  );

  it(
    "is not replaced by no key",
    marbles((m) => {
      const { publish, fetch } = trusting(m);
      const keyless = { ...signed(BOB, "B1", { signed: false }), keys: { "curve25519:B1": keyOf("curve") } };
      publish("ab", { a: HONEST, b: listOf(BOB, keyless) });
      m.expectObservable(fetch(BOB), "^-").toBe("(b|)", honest);
      m.expectObservable(fetch(BOB), "-^").toBe("-(b|)", kept);
    }),
  );

  it(
    "is not that of a device whose signature is invalid",
    marbles((m) => {
      const { publish, fetch } = trusting(m);
      const forged = signed(BOB, "B1", { key: "evil" });
      const signatures = { [BOB]: { "ed25519:B1": signature(FORGED) } };
      publish("ab", { a: listOf(BOB, { ...forged, signatures }), b: HONEST });
      m.expectObservable(fetch(BOB), "^-").toBe("(b|)", { b: ["bob !B1:invalid-signature none current"] });
      m.expectObservable(fetch(BOB), "-^").toBe("-(b|)", honest);
    }),
  );

  it(
    "is not that of an unsigned device, which blocks none that is signed",
    marbles((m) => {
      const { publish, fetch } = trusting(m);
      const unsigned = listOf(BOB, signed(BOB, "B1", { key: "evil", signed: false }));
      publish("abcd", { a: unsigned, b: HONEST, c: unsigned, d: HONEST });
      m.expectObservable(fetch(BOB), "^---").toBe("(b|)", { b: ["bob B1(evil): none current"] });
      m.expectObservable(fetch(BOB), "-^--").toBe("-(b|)", honest);
      m.expectObservable(fetch(BOB), "--^-").toBe("--(b|)", kept);
      m.expectObservable(fetch(BOB), "---^").toBe("---(b|)", honest);
    }),
  );

  it(
    "outlives the device: deleted, it cannot come back with another key",
    marbles((m) => {
      const { publish, fetch } = trusting(m);
      publish("abcd", { a: HONEST, b: NONE, c: SWAPPED, d: HONEST });
      m.expectObservable(fetch(BOB), "^---").toBe("(b|)", honest);
      m.expectObservable(fetch(BOB), "-^--").toBe("-(b|)", { b: ["bob none current"] });
      m.expectObservable(fetch(BOB), "--^-").toBe("--(b|)", refused("current"));
      m.expectObservable(fetch(BOB), "---^").toBe("---(b|)", honest);
    }),
  );

  it(
    "outlives its user's departure, and return",
    marbles((m) => {
      const sync$ = m.hot("-x-y", { x: left(BOB), y: step("s2", { changed: [BOB] }) });
      const { publish, fetch } = trusting(m, { sync$ });
      publish("ab", { a: HONEST, b: SWAPPED });
      m.expectObservable(fetch(BOB), "^----").toBe("(b|)", honest);
      m.expectObservable(fetch(BOB), "--^--").toBe("--(b|)", { b: ["bob B1:s !B1:key-changed none untracked"] });
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", kept);
    }),
  );

  it(
    "is that of its user and device, not of the device ID alone",
    marbles((m) => {
      const { publish, fetch } = trusting(m);
      publish("a", { a: together(HONEST, listOf(CAROL, signed(CAROL, "B1"))) });
      m.expectObservable(fetch(BOB), "  ^-").toBe("(b|)", honest);
      m.expectObservable(fetch(CAROL), "-^").toBe("-(b|)", { b: ["carol B1:s none current"] });
    }),
  );

  it(
    "stays however often another one comes",
    marbles((m) => {
      const { publish, fetch } = trusting(m);
      publish("ab-cd", { a: HONEST, b: SWAPPED, c: NONE, d: SWAPPED });
      m.expectObservable(fetch(BOB), "^----").toBe("(b|)", honest);
      m.expectObservable(fetch(BOB), "-^---").toBe("-(b|)", kept);
      m.expectObservable(fetch(BOB), "--^--").toBe("--(b|)", kept);
      m.expectObservable(fetch(BOB), "---^-").toBe("---(b|)", { b: ["bob none current"] });
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", refused("current"));
    }),
  );

  it(
    "of a kept device costs the user's other devices nothing",
    marbles((m) => {
      const { publish, fetch } = trusting(m);
      const devices = listOf(BOB, signed(BOB, "B1", { key: "evil" }), signed(BOB, "B2", { by: "bobS" }));
      publish("ab", { a: HONEST, b: together(devices, identityOf(BOB, "bob")) });
      m.expectObservable(fetch(BOB), "^-").toBe("(b|)", honest);
      m.expectObservable(fetch(BOB), "-^").toBe("-(b|)", { b: ["bob B1:s B2:sx !B1:key-changed unchanged current"] });
    }),
  );
});

describe("a device's first key is pinned", () => {
  it(
    "by an answer that was superseded on the wire",
    marbles((m) => {
      const { publish, fetch } = trusting(m, { sync$: m.hot("-x", { x: changed(BOB) }), answerAfter: 2 });
      publish("a-b", { a: HONEST, b: SWAPPED });
      m.expectObservable(fetch(BOB), "^--").toBe("--(b|)", { b: ["bob B1:s none superseded"] });
      m.expectObservable(fetch(BOB), "--^").toBe("----(b|)", refused("current"));
    }),
  );

  it(
    "by an answer that was superseded while it was verified",
    marbles((m) => {
      const { publish, fetch } = trusting(m, { sync$: m.hot("-x", { x: changed(BOB) }), takes: 2 });
      publish("a-b", { a: HONEST, b: SWAPPED });
      m.expectObservable(fetch(BOB), "^---").toBe("--(b|)", { b: ["bob B1:s none superseded"] });
      m.expectObservable(fetch(BOB), "---^").toBe("-----(b|)", refused("current"));
    }),
  );

  it(
    "by an answer that the store refused to save",
    marbles((m) => {
      const first = trusting(m, { sync$: m.hot("-x", { x: changed(BOB) }), answerAfter: 2 });
      const { scheduler } = m;
      const store = new ScriptedStore({ scheduler, records: first.store.records, announceAfter: 5 });
      const { publish, fetch } = trustingAgain(m, first, { store });
      publish("a-b", { a: HONEST, b: SWAPPED });
      m.expectObservable(fetch(BOB), "^--").toBe("--(b|)", { b: ["bob B1:s none superseded"] });
      m.expectObservable(fetch(BOB), "---^").toBe("-----(b|)", refused("current"));
    }),
  );

  it(
    "for users who are not tracked",
    marbles((m) => {
      const { publish, fetch } = trusting(m, { tracked: [], sync$: m.hot("--x", { x: changed(BOB) }) });
      publish("ab", { a: HONEST, b: SWAPPED });
      m.expectObservable(fetch(BOB), "^--").toBe("(b|)", { b: ["bob B1:s none untracked"] });
      m.expectObservable(fetch(BOB), "-^-").toBe("-(b|)", refused("untracked"));
      m.expectObservable(fetch(BOB), "---^").toBe("---(b|)", refused("current"));
    }),
  );

  it(
    "by the first of two answers that are saved in one transaction",
    marbles((m) => {
      const { publish, fetch, store } = trusting(m, { sync$: m.hot("-x", { x: changed(BOB) }), answerAfter: 2 });
      store.takes = 5; // the change is committed until 6, then both answers are saved until 11
      publish("a-b", { a: HONEST, b: SWAPPED });
      m.expectObservable(fetch(BOB), "^--").toBe("-----------(b|)", { b: ["bob B1:s none superseded"] });
      m.expectObservable(fetch(BOB), "--^").toBe("-----------(b|)", refused("current"));
    }),
  );
});
