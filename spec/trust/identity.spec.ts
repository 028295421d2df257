import { describe, expect, it } from "vitest";
import {
  acknowledged,
  identityStatus,
  NO_IDENTITY,
  ownUserSigningKey,
  type Identity,
} from "../../src/trust/identity.js";
import type { IdentityState } from "../../src/model/results.js";

const ours = "our user-signing key";
const [first, second] = ["first", "second"];

describe("identityStatus", () => {
  it.each<[string, Identity, IdentityState]>([
    ["none if the user never had a master key", NO_IDENTITY, "none"],
    ["unchanged if it is the pinned one", { masterKey: first, pinnedMasterKey: first, signedBy: [] }, "unchanged"],
    ["unchanged if nothing is pinned yet", { masterKey: first, signedBy: [] }, "unchanged"],
    ["changed if it is another one", { masterKey: second, pinnedMasterKey: first, signedBy: [] }, "changed"],
    ["removed if there is none any more", { pinnedMasterKey: first, signedBy: [] }, "removed"],
    [
      "unknown if it could not be compared",
      { masterKey: first, pinnedMasterKey: first, uncompared: true, signedBy: [] },
      "unknown",
    ],
    ["unknown if there is none and there may have been one", { uncompared: true, signedBy: [] }, "unknown"],
    [
      "changed if it is another one than at least once",
      { masterKey: second, pinnedMasterKey: first, uncompared: true, signedBy: [] },
      "changed",
    ],
    ["removed if there was one at least once", { pinnedMasterKey: first, uncompared: true, signedBy: [] }, "removed"],
  ])("is %s", (_, identity, state) => {
    expect(identityStatus(identity, ours).state).toBe(state);
  });

  it("includes the current and the pinned key if there are any", () => {
    expect(identityStatus({ masterKey: second, pinnedMasterKey: first, signedBy: [] }, undefined)).toEqual({
      state: "changed",
      masterKey: second,
      pinnedMasterKey: first,
      verified: false,
      wasVerified: false,
      collisions: [],
    });
    expect(identityStatus(NO_IDENTITY, undefined)).toEqual({
      state: "none",
      verified: false,
      wasVerified: false,
      collisions: [],
    });
  });

  describe("is verified", () => {
    const identity: Identity = { masterKey: first, pinnedMasterKey: first, signedBy: ["our former key", ours] };

    it("if our own user-signing key has signed the master key", () => {
      expect(identityStatus(identity, ours).verified).toBe(true);
    });

    it("not if only a former key of ours has signed it", () => {
      expect(identityStatus(identity, "our next key").verified).toBe(false);
      expect(identityStatus({ ...identity, signedBy: ["our former key"] }, ours).verified).toBe(false);
    });

    it("not if we have no reliable user-signing key", () => {
      expect(identityStatus(identity, undefined).verified).toBe(false);
    });

    it("not if the identity could not be compared", () => {
      expect(identityStatus({ ...identity, uncompared: true }, ours)).toMatchObject({
        state: "unknown",
        verified: false,
      });
    });

    it("not while the identity is changed or removed", () => {
      expect(identityStatus({ ...identity, masterKey: second }, ours)).toMatchObject({
        state: "changed",
        verified: false,
      });
      expect(identityStatus({ pinnedMasterKey: first, signedBy: [ours] }, ours)).toMatchObject({
        state: "removed",
        verified: false,
      });
    });
  });
});

describe("a user who was verified", () => {
  const identity: Identity = { masterKey: first, pinnedMasterKey: first, signedBy: [ours] };

  it("was so if they are, and if that was noted", () => {
    const wasVerified = (one: Identity, ourKey?: string) => identityStatus(one, ourKey).wasVerified;
    expect([wasVerified(identity, ours), wasVerified(identity)]).toEqual([true, false]);
    expect(identityStatus({ ...identity, signedBy: [], wasVerified: true }, ours)).toMatchObject({
      verified: false,
      wasVerified: true,
    });
  });
});

describe("an acknowledged identity", () => {
  const changed: Identity = { masterKey: second, pinnedMasterKey: first, signedBy: [] };

  it("is unchanged, whether it was changed or unknown before", () => {
    for (const identity of [changed, { ...changed, uncompared: true as const }])
      expect(acknowledged(identity, second, false)).toEqual({
        masterKey: second,
        pinnedMasterKey: second,
        signedBy: [],
      });
  });
});

describe("a confirmed identity", () => {
  const changed: Identity = { masterKey: second, pinnedMasterKey: first, signedBy: [] };

  it("is one that a person has confirmed to be ours, if it is the one given", () => {
    expect(acknowledged(changed, second, true)).toEqual({ ...changed, pinnedMasterKey: second, confirmed: true });
    expect(acknowledged(changed, first, true)).toEqual(changed);
  });

  it("stays confirmed if the same key is acknowledged, and not if another one is", () => {
    const confirmed = acknowledged(changed, second, true);
    expect(acknowledged(confirmed, second, false)).toEqual(confirmed);
    expect(acknowledged({ ...confirmed, masterKey: first }, first, false)).not.toHaveProperty("confirmed");
  });
});

describe("ownUserSigningKey", () => {
  const userSigningKey = { keys: { [`ed25519:${ours}`]: ours } };
  const confirmed: Identity = { masterKey: first, pinnedMasterKey: first, confirmed: true, signedBy: [] };

  it("is the one in our own list while our confirmed identity is unchanged", () => {
    expect(ownUserSigningKey({ identity: confirmed, userSigningKey })).toBe(ours);
  });

  it.each<[string, Identity]>([
    ["confirmed by no person", { masterKey: first, pinnedMasterKey: first, signedBy: [] }],
    ["changed and not acknowledged", { ...confirmed, masterKey: second }],
    ["removed", { pinnedMasterKey: first, confirmed: true, signedBy: [] }],
    ["missing", NO_IDENTITY],
    ["not compared", { ...confirmed, uncompared: true }],
  ])("is undefined while our identity is %s", (_, identity) => {
    expect(ownUserSigningKey({ identity, userSigningKey })).toBeUndefined();
  });

  it("is undefined if the list has none", () => {
    expect(ownUserSigningKey({ identity: confirmed })).toBeUndefined();
  });
});
