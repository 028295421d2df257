import { describe, expect, it } from "vitest";
import { MAX_CROSS_SIGNING_KEYS } from "../../src/keys/limits.js";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { identityStatus } from "../../src/trust/identity.js";
import type { PinContext } from "../../src/trust/pin-context.js";
import { pinIdentity, type PinnedIdentity } from "../../src/trust/pin-identity.js";
import { LOST_PINS, NO_PINS, repinMasterKey, type Pins } from "../../src/trust/pins.js";
import { signedAccount, type SignedAccount } from "../support/signed-account.js";
import { BOB } from "../support/users.js";
import { historyOf } from "./pinned-lists.js";

const [first, second, third] = ["first", "second", "third"].map((name) => signedAccount(BOB, name)) as [
  SignedAccount,
  SignedAccount,
  SignedAccount,
];
const [KEY, NEXT] = [first.master.publicKey, second.master.publicKey];
const OURS: PinContext = { ourKey: "ours", ourKeys: ["ours"] };

/** A list with the identity of this account. */
const listOf = (account: SignedAccount, changes: Partial<DeviceList> = {}): DeviceList => ({
  ...emptyList(5),
  masterKey: account.masterKey,
  selfSigningKey: account.selfSigningKey,
  identity: { masterKey: account.master.publicKey, signedBy: [] },
  ...changes,
});
const byUs = (account: SignedAccount): DeviceList =>
  listOf(account, { identity: { masterKey: account.master.publicKey, signedBy: ["ours"] } });

const NO_KEYS = emptyList(5);

/** What follows from these lists, one after the other. */
function after(lists: readonly DeviceList[], context: PinContext = {}, known: Pins = NO_PINS): PinnedIdentity {
  let pins = known;
  let before: DeviceList | undefined;
  let identity = NO_KEYS.identity;
  for (const list of lists) {
    ({ pins, identity } = pinIdentity(list, pins, before, context));
    before = { ...list, identity };
  }
  return { pins, identity };
}
const stateOf = ({ identity }: PinnedIdentity, ourKey?: string) => identityStatus(identity, ourKey);

describe("a user's master key", () => {
  it("is pinned when it is first seen", () => {
    const { pins, identity } = after([listOf(first)]);
    expect(pins).toMatchObject({ masterKey: KEY, masterEvidence: "seen" });
    expect(identity).toEqual({ masterKey: KEY, pinnedMasterKey: KEY, signedBy: [] });
    expect(historyOf(pins)).toEqual(["first-seen master", "first-seen self-signing"]);
  });

  it("is not pinned if there is none", () => {
    expect(after([NO_KEYS])).toEqual({ pins: NO_PINS, identity: { signedBy: [] } });
  });

  it("leaves the same pins if it is the pinned one", () => {
    const { pins } = after([listOf(first)]);
    expect(after([listOf(first)], {}, pins).pins).toBe(pins);
    expect(after([NO_KEYS], {}, pins).pins).toBe(pins);
  });
});

describe("1. a master key other than the pinned one", () => {
  it("is shown, and does not replace that", () => {
    const { pins, identity } = after([listOf(first), listOf(second)]);
    expect(identity).toMatchObject({ masterKey: NEXT, pinnedMasterKey: KEY });
    expect([pins.masterKey, pins.retiredMasterKeys]).toEqual([KEY, undefined]);
    expect(historyOf(pins)).toContain("shown master");
  });

  it("does not replace it either after it was removed", () => {
    expect(after([listOf(first), NO_KEYS, listOf(second)]).identity).toMatchObject({ pinnedMasterKey: KEY });
  });

  it("is noted once, while it is the one shown", () => {
    const { pins } = after([listOf(first), listOf(second)]);
    expect(after([listOf(second)], {}, pins).pins).toBe(pins);
    expect(historyOf(after([listOf(third)], {}, pins).pins).filter((one) => one === "shown master").length).toBe(2);
  });
});

describe("2. a master key that our own confirmed identity has signed", () => {
  it("replaces the pinned one, which is retired", () => {
    const { pins, identity } = after([listOf(first), byUs(second)], OURS);
    expect(pins).toMatchObject({ masterKey: NEXT, masterEvidence: "verified", retiredMasterKeys: [KEY] });
    expect(historyOf(pins)).toContain("accepted master");
    expect(identityStatus(identity, "ours")).toMatchObject({ state: "unchanged", verified: true });
  });

  it("replaces one that a person has acknowledged", () => {
    const known = repinMasterKey(NO_PINS, KEY, "acknowledged", 1);
    expect(after([byUs(second)], OURS, known).pins.masterKey).toBe(NEXT);
  });

  it("makes the pinned key a verified one", () => {
    expect(after([listOf(first), byUs(first)], OURS).pins.masterEvidence).toBe("verified");
    expect(after([byUs(first)], OURS).pins.masterEvidence).toBe("verified");
  });

  it.each<[string, PinContext]>([
    ["ours is not confirmed", { ourKeys: ["ours"] }],
    ["another key of ours has signed it", { ourKey: "our next", ourKeys: ["ours", "our next"] }],
    ["it is our own", { ...OURS, isOwn: true }],
  ])("replaces nothing if %s", (_, context) => {
    const { pins } = after([listOf(first), byUs(second)], context);
    expect(pins).toMatchObject({ masterKey: KEY, masterEvidence: "seen" });
  });

  it("does not come back once it was replaced", () => {
    const { pins, identity } = after([byUs(first), byUs(second), byUs(first)], OURS);
    expect([pins.masterKey, pins.retiredMasterKeys]).toEqual([NEXT, [KEY]]);
    expect(historyOf(pins).at(-1)).toBe("returned master");
    expect(stateOf({ pins, identity }, "ours")).toMatchObject({ state: "changed", verified: false, wasVerified: true });
  });

  it("comes back by a person's word", () => {
    const { pins } = after([byUs(first), byUs(second)], OURS);
    expect(stateOf(after([byUs(first)], OURS, repinMasterKey(pins, KEY, "acknowledged", 9)))).toMatchObject({
      state: "unchanged",
    });
  });
});

describe("3. incomplete pins", () => {
  const known: Pins = { ...LOST_PINS, masterKey: KEY };

  it("do not show that an identity is the same", () => {
    expect(stateOf(after([listOf(first)], {}, known)).state).toBe("unknown");
    expect(stateOf(after([listOf(first)], {}, LOST_PINS)).state).toBe("unknown");
    expect(stateOf(after([NO_KEYS], {}, LOST_PINS)).state).toBe("unknown");
  });

  it("show that it is another one, or removed", () => {
    expect(stateOf(after([listOf(second)], {}, known)).state).toBe("changed");
    expect(stateOf(after([NO_KEYS], {}, known)).state).toBe("removed");
  });

  it("are not replaced by what we have signed, and are not made complete by it", () => {
    const { pins } = after([byUs(second)], OURS, known);
    expect(pins).toMatchObject({ masterKey: KEY, incomplete: true });
    expect(stateOf(after([byUs(first)], OURS, known), "ours")).toMatchObject({ state: "unknown", verified: false });
  });
});

describe("4. a user who was verified", () => {
  it("stays marked if the server withholds our signature", () => {
    const { pins, identity } = after([byUs(first), listOf(first)], OURS);
    expect([pins.wasVerified, identity.wasVerified]).toEqual([true, true]);
    expect(identityStatus(identity, "ours")).toMatchObject({ state: "unchanged", verified: false, wasVerified: true });
  });

  it("stays marked however often it is withheld, also by the pins alone", () => {
    expect(after([byUs(first), listOf(first), listOf(first), listOf(first)], OURS).identity.wasVerified).toBe(true);
    expect(after([listOf(first)], OURS, { ...NO_PINS, wasVerified: true }).identity.wasVerified).toBe(true);
  });

  it("stays marked if they come with another identity, or none", () => {
    for (const list of [listOf(second), NO_KEYS])
      expect(after([byUs(first), list], OURS).identity.wasVerified).toBe(true);
  });

  it("is marked by the list before, although our own identity was unknown at that time", () => {
    const { identity } = after([byUs(first)]);
    expect(identity).not.toHaveProperty("wasVerified");
    const before = { ...byUs(first), identity };
    expect(pinIdentity(listOf(first), NO_PINS, before, OURS).identity.wasVerified).toBe(true);
  });

  it("is marked by a former key of ours in the list before", () => {
    const before = { ...byUs(first), identity: { ...byUs(first).identity, pinnedMasterKey: KEY } };
    const context = { ourKey: "our next", ourKeys: ["ours", "our next"] };
    expect(pinIdentity(listOf(first), NO_PINS, before, context).pins.wasVerified).toBe(true);
    expect(pinIdentity(listOf(first), NO_PINS, before, { ourKey: "our next" }).pins).not.toHaveProperty("wasVerified");
  });

  it("is not marked by a signature on another master key than the pinned one", () => {
    const { pins } = after([byUs(second)], OURS, { ...LOST_PINS, masterKey: KEY });
    expect(pins).not.toHaveProperty("wasVerified");
  });

  it("is never our own user", () => {
    const context = { ...OURS, isOwn: true };
    expect(after([listOf(first), listOf(first)], context).pins).not.toHaveProperty("wasVerified");
  });
});

describe("our own identity", () => {
  const context = (account: SignedAccount): PinContext => ({ isOwn: true, ownMasterKey: account.master.publicKey });

  it("is confirmed by nothing that the server gives", () => {
    for (const list of [listOf(first), byUs(first)])
      expect(after([list], { isOwn: true, ...OURS }).identity).not.toHaveProperty("confirmed");
  });

  it("is confirmed if it is the one that the application knows", () => {
    const { pins, identity } = after([listOf(first)], context(first));
    expect(identity).toMatchObject({ masterKey: KEY, pinnedMasterKey: KEY, confirmed: true });
    expect(pins).toMatchObject({ masterKey: KEY, masterEvidence: "verified" });
    expect(historyOf(pins)[0]).toBe("confirmed master");
    expect(after([listOf(first)], context(first), pins).pins).toBe(pins);
  });

  it("is changed if the application knows another one than the server gives", () => {
    const { pins, identity } = after([listOf(second)], context(first));
    expect(stateOf({ pins, identity })).toMatchObject({ state: "changed", masterKey: NEXT, pinnedMasterKey: KEY });
    expect(identity).not.toHaveProperty("confirmed");
  });

  it("is confirmed after a wrong key was pinned, or none can be read", () => {
    for (const known of [after([listOf(second)]).pins, LOST_PINS, { ...LOST_PINS, masterKey: KEY }]) {
      const { pins, identity } = after([listOf(first)], context(first), known);
      expect(stateOf({ pins, identity }).state).toBe("unchanged");
      expect(identity.confirmed).toBe(true);
    }
  });

  it("is confirmed although the confirmed pins were merged with lost ones", () => {
    const confirmed = after([listOf(first)], context(first)).pins;
    const merged: Pins = { ...confirmed, incomplete: true };
    expect(stateOf(after([listOf(first)], context(first), merged)).state).toBe("unchanged");
  });

  it("stays confirmed without the option, once it is", () => {
    const { pins } = after([listOf(first)], context(first));
    expect(after([listOf(first)], { isOwn: true }, pins).identity.confirmed).toBe(true);
    expect(after([listOf(second)], { isOwn: true }, pins).identity).not.toHaveProperty("confirmed");
  });

  it("is not another user's, whatever the application's own key is", () => {
    const { identity } = after([listOf(first)], { ownMasterKey: KEY });
    expect(identity).not.toHaveProperty("confirmed");
    expect(after([listOf(first)], { ownMasterKey: NEXT }).pins.masterKey).toBe(KEY);
    expect(after([byUs(first)], OURS).identity).not.toHaveProperty("confirmed");
  });
});

describe("the public keys of cross-signing keys", () => {
  it("of the pinned identity are remembered, each once; others anyone could make", () => {
    const { userSigningKey } = first;
    const { pins } = after([listOf(first, { userSigningKey }), listOf(second), listOf(first)]);
    expect(pins.crossSigningKeys).toEqual(
      [first.master, first.selfSigning, first.userSigning].map(({ publicKey }) => publicKey),
    );
  });

  it("are limited in number, the latest stay", () => {
    const accounts = Array.from({ length: MAX_CROSS_SIGNING_KEYS }, (_, i) => signedAccount(BOB, `number ${i}`));
    const { pins } = after(accounts.map(({ selfSigningKey }) => listOf(first, { selfSigningKey })));
    expect(pins.crossSigningKeys?.length).toBe(MAX_CROSS_SIGNING_KEYS);
    expect(pins.crossSigningKeys?.at(-1)).toBe(accounts.at(-1)?.selfSigning.publicKey);
  });
});

describe("the self-signing key", () => {
  const selfSigningEvents = (lists: readonly DeviceList[]) =>
    historyOf(after(lists).pins).filter((line) => line.endsWith("self-signing"));
  const rotated = listOf(first, { selfSigningKey: second.selfSigningKey });

  it("has each change noted, and nothing else", () => {
    expect(selfSigningEvents([listOf(first), listOf(first), rotated, rotated])).toEqual([
      "first-seen self-signing",
      "accepted self-signing",
    ]);
    expect(selfSigningEvents([listOf(first), NO_KEYS, listOf(first)])).toEqual(["first-seen self-signing"]);
  });

  it("is noted as returned if it was there before another one", () => {
    expect(selfSigningEvents([listOf(first), rotated, listOf(first)]).at(-1)).toBe("returned self-signing");
  });
});
