import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError } from "../../src/model/errors.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { listKey } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put } from "../support/saved.js";
import { curveName, keyOf, listOf, signed, type SignedProperties } from "../support/signed.js";
import { trusting, trustingAgain, type Trusting } from "../support/trusting.js";
import { BOB, CAROL } from "../support/users.js";

const bobs = (properties?: SignedProperties) => listOf(BOB, signed(BOB, "B1", properties));
const CURVE = curveName(BOB, "B1");

/** The IDs of the devices that `findDevice` returns for the key of this name. */
const find = ({ tracker }: Pick<Trusting, "tracker">, name: string) =>
  tracker
    .findDevice("curve25519", keyOf(name))
    .pipe(map((claimants) => claimants.map(({ deviceId }) => deviceId).join(" ")));

/** A tracker whose store logs what it reads and writes. Bob is fetched whenever one of these accounts of his is published. */
function logging(m: Marbles, timing: string, accounts: Readonly<Record<string, KeysQueryResponse>>) {
  const log: StoreLog = { reads: [], writes: [] };
  const store = new ScriptedStore({ scheduler: m.scheduler, records: countingStore(log, memoryStore()) });
  const under = trusting(m, { store });
  under.publish(timing, accounts);
  const fetch = () => under.fetch(BOB).subscribe();
  m.acts(timing, Object.fromEntries(Object.keys(accounts).map((marble) => [marble, fetch])));
  const forget = () => {
    log.reads.length = 0;
    log.writes.length = 0;
  };
  return { ...under, log, forget };
}

describe("the index of findDevice", () => {
  it(
    "outlives a restart",
    marbles((m) => {
      const first = logging(m, "a", { a: bobs() });
      m.expectObservable(find(trustingAgain(m, first, { connected: false }), CURVE), "-^").toBe("-(x|)", { x: "B1" });
    }),
  );

  it(
    "is written in the transaction that saves the list, or not at all",
    marbles((m) => {
      const next = bobs({ curve: "next" });
      const { store, log, forget, ...under } = logging(m, "a-b-c", { a: bobs(), b: next, c: next });
      m.acts("-f", {
        f: () => {
          store.failNext("the disk is full", "update");
          forget();
        },
      });
      m.expectObservable(find(under, CURVE), "---^").toBe("---(x|)", { x: "B1" });
      m.expectObservable(find(under, "next"), "---^").toBe("---(x|)", { x: "" });
      m.expectObservable(find(under, "next"), "-----^").toBe("-----(x|)", { x: "B1" });
      m.afterwards(() => {
        const written = log.writes.map((keys) => keys.map((key) => key.split("/")[0]));
        expect(written).toEqual([["list", "log", "account", "index"]]);
      });
    }),
  );

  it(
    "is read once; later only what was appended since, and the lists concerned",
    marbles((m) => {
      const { log, forget, ...under } = logging(m, "a---b", { a: bobs(), b: bobs({ curve: "next" }) });
      const reads: unknown[] = [];
      const read = () => {
        reads.push(log.reads.filter((keys) => !keys.includes("account/own")));
        forget();
      };
      const findNow = (name: string) => () => {
        forget();
        find(under, name).subscribe();
        read();
      };
      m.acts("-ab--c", { a: findNow(CURVE), b: findNow(CURVE), c: findNow("next") });
      m.afterwards(() => {
        const list = ["account/owner", `list/${BOB}`];
        const head = ["account/owner", "account/sync"];
        const [, , third] = reads as string[][][];
        expect(reads[0]).toEqual([["account/*", "index/*"], list]);
        expect(reads[1]).toEqual([head, list]);
        expect(third?.map((keys) => keys[0]?.split("/")[0])).toEqual(["account", "index", "account"]);
      });
    }),
  );

  it(
    "is checked against the list: a device of a damaged list is not returned",
    marbles((m) => {
      const first = logging(m, "a", { a: bobs() });
      first.publish("--b", { b: listOf(BOB, signed(BOB, "B2")) });
      m.acts("-d", { d: () => put(first.store.records, [listKey(BOB), { saved: "?" }]) });
      const next = trustingAgain(m, first, { connected: false });
      m.expectObservable(find(next, CURVE), "--^-").toBe("--(x|)", { x: "" });
      m.acts("--q", { q: () => next.fetch(BOB).subscribe() });
      m.expectObservable(find(next, curveName(BOB, "B2")), "---^").toBe("---(x|)", { x: "B2" });
    }),
  );

  it(
    "fails if the store was cleared, also if it is another account's now",
    marbles((m) => {
      const { store, problems$, ...under } = logging(m, "a", { a: bobs() });
      m.acts("-c", { c: () => store.clear().subscribe() });
      const carols = trustingAgain(m, { ...under, store }, { userId: CAROL, connected: false });
      m.acts("--l", { l: () => carols.get().subscribe() });
      for (const frames of ["---", "----"])
        m.expectObservable(find(under, CURVE), `${frames}^`).toBe(`${frames}#`, undefined, new StoreClearedError());
      m.expectObservable(problems$).toBe("---p", { p: "store-cleared" });
    }),
  );

  it(
    "fails if the store cannot be read, and is read again by the next subscription",
    marbles((m) => {
      const { store, ...under } = logging(m, "a", { a: bobs() });
      m.acts("-f", { f: () => store.failNext("broken") });
      const found$ = find(under, CURVE);
      m.expectObservable(found$, "--^-").toBe("--#", undefined, "broken");
      m.expectObservable(found$, "---^").toBe("---(x|)", { x: "B1" });
    }),
  );
});
