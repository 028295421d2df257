import { describe, expect, it } from "vitest";
import { IdentityChangedError } from "../../src/model/errors.js";
import { listKey } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import type { SetUp } from "../support/set-up.js";
import { identityOf, keyOf, listOf, signed, together } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { BOB } from "../support/users.js";

const BOBS = together(listOf(BOB, signed(BOB, "B1", { by: "bobS" })), identityOf(BOB, "bob"));
const BOBS_NEW = together(listOf(BOB, signed(BOB, "B1", { by: "newS" })), identityOf(BOB, "new"));
const unchanged = { b: ["bob B1:sx unchanged current"] };
const changed = { b: ["bob B1:sx changed current"] };

/** Bob's identity is another one from frame 1 on, and has been fetched. */
function withNewIdentity(m: Marbles, options: SetUp = {}) {
  const under = trusting(m, options);
  under.publish("ab", { a: BOBS, b: BOBS_NEW });
  const freshness = options.tracked?.length === 0 ? "untracked" : "current";
  m.expectObservable(under.fetch(BOB), "^-").toBe("(b|)", { b: [`bob B1:sx unchanged ${freshness}`] });
  m.expectObservable(under.fetch(BOB), "-^").toBe("-(b|)", { b: [`bob B1:sx changed ${freshness}`] });
  return { ...under, acknowledge: (name: string) => under.tracker.acknowledgeIdentity(BOB, keyOf(name)) };
}

describe("acknowledgeIdentity", () => {
  it(
    "pins the new master key, in all lookups and for later answers",
    marbles((m) => {
      const first = withNewIdentity(m);
      m.expectObservable(first.acknowledge("newM"), "--^").toBe("--|");
      m.expectObservable(first.get(BOB), "  ---^").toBe("---(b|)", unchanged);
      m.expectObservable(first.known(BOB), "---^").toBe("---(b|)", unchanged);
      m.expectObservable(trustingAgain(m, first).get(BOB), "----^").toBe("----(b|)", unchanged);
      m.expectObservable(first.fetch(BOB), "-----^").toBe("-----(b|)", unchanged);
      first.publish("------a", { a: BOBS });
      m.expectObservable(first.fetch(BOB), "------^").toBe("------(b|)", changed);
      first.expectQueries("0-0 bob", "1-1 bob", "5-5 bob", "6-6 bob");
    }),
  );

  it(
    "goes on when it is unsubscribed",
    marbles((m) => {
      const { acknowledge, get, store } = withNewIdentity(m);
      m.acts("--t", { t: () => (store.takes = 2) });
      m.expectObservable(acknowledge("newM"), "---^!").toBe("-----");
      m.expectObservable(get(BOB), "------^").toBe("------(b|)", unchanged);
    }),
  );

  it(
    "is shown by watchers",
    marbles((m) => {
      const { watch, acknowledge } = withNewIdentity(m);
      m.expectObservable(watch(BOB), "--^---!").toBe("--a-b", { a: changed.b, b: unchanged.b });
      m.expectObservable(acknowledge("newM"), "----^").toBe("----|");
    }),
  );

  it(
    "reaches other tabs, their watchers included",
    marbles((m) => {
      const first = withNewIdentity(m);
      const second = trustingAgain(m, first);
      m.expectObservable(second.watch(BOB), "--^---!").toBe("--a-b", { a: changed.b, b: unchanged.b });
      m.expectObservable(first.acknowledge("newM"), "----^").toBe("----|");
      m.expectObservable(second.get(BOB), "-----^").toBe("-----(b|)", unchanged);
      second.expectQueries();
    }),
  );

  it(
    "is cold, completes when it is durable, and shows nothing before that",
    marbles((m) => {
      const { acknowledge, get, store } = withNewIdentity(m);
      const acknowledged$ = acknowledge("newM");
      m.acts("--t", { t: () => (store.takes = 4) });
      m.expectObservable(acknowledged$, "----^").toBe("--------|");
      m.expectObservable(get(BOB), "-------^").toBe("-------(b|)", changed);
      m.expectObservable(get(BOB), "---------^").toBe("---------(b|)", unchanged);
      const pinned = () => saved(store.records, listKey(BOB));
      m.acts("-------c", { c: () => expect(pinned()).toMatchObject({ pins: { masterKey: keyOf("bobM") } }) });
    }),
  );

  it.each(["otherM", "bobM"])("fails for %s, which is not the user's master key now, and changes nothing", (name) => {
    marbles((m) => {
      const { acknowledge, get } = withNewIdentity(m);
      const error = new IdentityChangedError(BOB, keyOf(name), keyOf("newM"));
      m.expectObservable(acknowledge(name), "--^").toBe("--#", undefined, error);
      m.expectObservable(get(BOB), "---^").toBe("---(b|)", changed);
    })();
  });

  it(
    "fails if the master key is gone",
    marbles((m) => {
      const { acknowledge, fetch, publish } = withNewIdentity(m);
      publish("--a", { a: listOf(BOB) });
      m.expectObservable(fetch(BOB), "--^").toBe("--(b|)", { b: ["bob removed current"] });
      const error = new IdentityChangedError(BOB, keyOf("newM"), undefined);
      m.expectObservable(acknowledge("newM"), "---^").toBe("---#", undefined, error);
    }),
  );

  it(
    "throws if it is given a string that is not a key",
    marbles((m) => {
      const { tracker } = trusting(m);
      for (const key of ["", "newM", `${keyOf("newM")}=`, `ed25519:${keyOf("newM")}`, "A".repeat(43)])
        expect(() => tracker.acknowledgeIdentity(BOB, key)).toThrow(TypeError);
    }),
  );

  it(
    "fails as the store does, and changes nothing",
    marbles((m) => {
      const { acknowledge, get, store } = withNewIdentity(m);
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(acknowledge("newM"), "---^").toBe("---#", undefined, "the disk is full");
      m.expectObservable(get(BOB), "----^").toBe("----(b|)", changed);
      m.expectObservable(acknowledge("newM"), "-----^").toBe("-----|");
      m.expectObservable(get(BOB), "------^").toBe("------(b|)", unchanged);
    }),
  );

  it(
    "is of the list that lookups show, although that could not be saved",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      m.acts("-f", { f: () => store.failNext("the disk is full", "update") });
      const { acknowledge, get, fetch, problems$ } = withNewIdentity(m, { store });
      m.expectObservable(problems$).toBe("-s", { s: "save-failed" });
      m.expectObservable(acknowledge("newM"), "--^").toBe("--|");
      m.expectObservable(get(BOB), "---^").toBe("---(b|)", unchanged);
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", unchanged);
    }),
  );

  it(
    "reaches an untracked user with the next answer",
    marbles((m) => {
      const { acknowledge, get } = withNewIdentity(m, { tracked: [] });
      m.expectObservable(acknowledge("newM"), "--^").toBe("--|");
      m.expectObservable(get(BOB), "---^").toBe("---(b|)", { b: ["bob B1:sx unchanged untracked"] });
    }),
  );

  it(
    "leaves the keys of devices pinned that the new identity has not signed",
    marbles((m) => {
      const evil = together(listOf(BOB, signed(BOB, "B1", { key: "evil" })), identityOf(BOB, "new"));
      const { acknowledge, publish, fetch } = withNewIdentity(m);
      publish("--a", { a: evil });
      m.expectObservable(fetch(BOB), "--^").toBe("--(b|)", { b: ["bob B1:sx !B1:key-changed changed current"] });
      m.expectObservable(acknowledge("newM"), "---^").toBe("---|");
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", { b: ["bob B1:sx !B1:key-changed unchanged current"] });
    }),
  );

  it(
    "has devices accepted with the keys that the new identity has signed, not before",
    marbles((m) => {
      const rekeyed = together(listOf(BOB, signed(BOB, "B1", { key: "next", by: "newS" })), identityOf(BOB, "new"));
      const { acknowledge, publish, fetch } = withNewIdentity(m);
      publish("--a", { a: rekeyed });
      m.expectObservable(fetch(BOB), "--^").toBe("--(b|)", { b: ["bob B1:sx !B1:key-changed changed current"] });
      m.expectObservable(acknowledge("newM"), "---^").toBe("---|");
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", { b: ["bob B1(next):sx unchanged current"] });
    }),
  );
});
