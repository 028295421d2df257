import { describe, expect, it } from "vitest";
import type { CachedList } from "../../src/lists/list-cache.js";
import type { UserId } from "../../src/model/ids.js";
import { emptyList } from "../../src/trust/device-list.js";
import { signedAccount } from "../support/signed-account.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { memoryOf } from "./memory-of.js";
import { alice, bob, phone, pinsFor, tablet, verified } from "./verified-lists.js";

const revision = { number: 1 };
const list = verified(bob, [phone]);

describe("a list in memory", () => {
  it("answers its very revision: one of the same number may be another commit", () => {
    const { memory } = memoryOf({ [BOB]: { revision } });
    const cached = memory.keep(BOB, list, revision);
    expect(memory.cached(BOB, revision)).toBe(cached);
    expect(memory.cached(BOB, { number: 1 })).toBeUndefined();
    expect(memory.last(BOB)).toBe(cached);
  });

  it("is kept only for a tracked user", () => {
    const { memory } = memoryOf({ [BOB]: { revision } });
    memory.keep(CAROL, list, revision);
    expect(memory.last(CAROL)).toBeUndefined();
  });

  it("is dropped on request", () => {
    const { memory } = memoryOf({ [BOB]: { revision } });
    memory.keep(BOB, list, revision);
    memory.forget([BOB, CAROL]);
    expect(memory.last(BOB)).toBeUndefined();
  });

  it("is forgotten with all others, and our key, when the store is another one", () => {
    const { memory } = memoryOf({ [BOB]: { revision } }, "ours");
    memory.keep(BOB, list, revision, { pins: pinsFor(bob, phone) });
    memory.reset("saved");
    expect([memory.last(BOB), memory.ourKey]).toEqual([undefined, "saved"]);
  });

  it("keeps the pins that are known when a later one comes without", () => {
    const { memory } = memoryOf({ [BOB]: { revision } });
    memory.keep(BOB, list, revision, { pins: pinsFor(bob, phone) });
    memory.keep(BOB, verified(bob, [tablet]), revision);
    expect(memory.last(BOB)?.beside.pins).toEqual(pinsFor(bob, phone));
  });

  it("makes its user current, and is emitted to watchers", () => {
    const { memory, tracking } = memoryOf({ [BOB]: { revision } });
    const seen: ReadonlyMap<UserId, CachedList>[] = [];
    memory.cached$.subscribe((lists) => seen.push(lists));
    const lists = new Map([[BOB, memory.keep(BOB, list, revision)]]);
    memory.listed(new Map());
    memory.listed(lists);
    expect(tracking.get(BOB)?.outdated).toBe(false);
    expect(seen).toEqual([lists]);
  });

  it("is emitted to watchers when it is replaced without a change", () => {
    const { memory } = memoryOf({ [BOB]: { revision } });
    const seen: string[] = [];
    memory.cached$.subscribe((lists) => seen.push(...lists.keys()));
    memory.replace(BOB, list, revision, {});
    expect(seen).toEqual([BOB]);
    expect(memory.cached(BOB, revision)?.list).toBe(list);
  });
});

describe("our own user-signing key", () => {
  const masterKey = alice.master.publicKey;
  const ours = verified(alice, [], {
    userSigningKey: alice.userSigningKey,
    identity: { masterKey, pinnedMasterKey: masterKey, confirmed: true, signedBy: [] },
  });
  const key = alice.userSigning.publicKey;

  it("is that of our own, confirmed list, as soon as that is kept", () => {
    const { memory } = memoryOf();
    const seen: unknown[] = [];
    memory.ourKeyChanges$.subscribe(() => seen.push(memory.ourKey));
    memory.keep(ALICE, ours, revision);
    memory.keep(ALICE, ours, revision);
    expect(seen).toEqual([key]);
  });

  it("is none if our list has none, or our identity is changed or not confirmed", () => {
    const renewed = signedAccount(ALICE, "renewed");
    const changed = verified(renewed, [], {
      userSigningKey: renewed.userSigningKey,
      identity: { masterKey: renewed.master.publicKey, pinnedMasterKey: masterKey, confirmed: true, signedBy: [] },
    });
    const unconfirmed = { ...ours, identity: { masterKey, pinnedMasterKey: masterKey, signedBy: [] } };
    for (const without of [emptyList(5), changed, unconfirmed]) {
      const { memory } = memoryOf({}, key);
      memory.keep(ALICE, without, revision);
      expect(memory.ourKey).toBeUndefined();
    }
  });

  it("is none once the saved one is another: another tab knows of a change", () => {
    const { memory } = memoryOf({}, key);
    memory.checkOurKey(key);
    expect(memory.ourKey).toBe(key);
    memory.checkOurKey("another");
    expect(memory.ourKey).toBeUndefined();
  });

  it("is not restored from the store, which may not know of the change yet", () => {
    const { memory } = memoryOf({}, key);
    memory.checkOurKey(undefined);
    memory.checkOurKey(key);
    expect(memory.ourKey).toBeUndefined();
  });
});
