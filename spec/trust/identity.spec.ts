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

describe("an acknowledged identity", () => {
  it("is unchanged, whether it was changed or unknown before", () => {
    const changed: Identity = { masterKey: second, pinnedMasterKey: first, signedBy: [] };
    for (const identity of [changed, { ...changed, uncompared: true as const }])
      expect(acknowledged(identity, second)).toEqual({ masterKey: second, pinnedMasterKey: second, signedBy: [] });
  });
});

describe("ownUserSigningKey", () => {
  const userSigningKey = { keys: { [`ed25519:${ours}`]: ours } };

  it("is the one in our own list while our identity is unchanged", () => {
    expect(
      ownUserSigningKey({ identity: { masterKey: first, pinnedMasterKey: first, signedBy: [] }, userSigningKey }),
    ).toBe(ours);
  });

  it.each<[string, Identity]>([
    ["changed and not acknowledged", { masterKey: second, pinnedMasterKey: first, signedBy: [] }],
    ["removed", { pinnedMasterKey: first, signedBy: [] }],
    ["missing", NO_IDENTITY],
    ["not compared", { masterKey: first, pinnedMasterKey: first, uncompared: true, signedBy: [] }],
  ])("is undefined while our identity is %s", (_, identity) => {
    expect(ownUserSigningKey({ identity, userSigningKey })).toBeUndefined();
  });

  it("is undefined if the list has none", () => {
    expect(ownUserSigningKey({ identity: { masterKey: first, pinnedMasterKey: first, signedBy: [] } })).toBeUndefined();
  });
});
