import { describe, expect, it } from "vitest";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import {
  freshnessOf,
  fromCache,
  noLongerReachable,
  toUserDeviceKeys,
  unreachable,
  type Answer,
} from "../../src/query/answer.js";
import { CachedList } from "../../src/lists/list-cache.js";
import type { UserDeviceKeys } from "../../src/model/results.js";
import type { Revision } from "../../src/store/revision.js";
import type { TrackedUser } from "../../src/store/tracked-users.js";
import { keysDigest } from "../../src/trust/keys-digest.js";
import { testDevice } from "../../src/testing/test-device.js";
import { BOB } from "../support/users.js";

const then: Revision = { number: 1 };
const later: Revision = { number: 2 };
const list: DeviceList = { ...emptyList(5), deviceKeys: new Map([["B1", testDevice(BOB, "B1")]]) };
const digest = keysDigest(list);
const settled = { inDoubt: false, ourKey: undefined };
/** The status of an identity that does not exist. */
const identity = { state: "none", verified: false, wasVerified: false, collisions: [] };
const answer = (properties: Partial<Answer> = {}): Answer => ({
  userId: BOB,
  list,
  revision: then,
  superseded: false,
  reachable: true,
  ...properties,
});
/** With the digest, which is computed when it is read. */
const shown = (keys: UserDeviceKeys) => ({ ...keys, digest: keys.digest });
const at = (revision: Revision): TrackedUser => ({ revision, outdated: false, hasList: true });

describe("the freshness of an answer", () => {
  it.each<[string, Answer, TrackedUser | undefined, string]>([
    ["current if the user is still at its revision", answer(), at(then), "current"],
    ["superseded if the user has another revision now", answer(), at(later), "superseded"],
    ["superseded if the user is no longer tracked", answer(), undefined, "superseded"],
    ["superseded if the user has been tracked since", answer({ revision: undefined }), at(then), "superseded"],
    ["superseded if it was so before", answer({ superseded: true }), at(then), "superseded"],
    ["untracked if the user was not tracked and is not now", answer({ revision: undefined }), undefined, "untracked"],
    [
      "unreachable if the server did not answer, whatever else",
      answer({ reachable: false, superseded: true }),
      at(later),
      "unreachable",
    ],
  ])("is %s", (_, given, user, expected) => {
    expect(freshnessOf(given, user, false)).toBe(expected);
  });

  it("compares revisions by identity: equal numbers may be different commits", () => {
    expect(freshnessOf(answer(), at({ number: 1 }), false)).toBe("superseded");
  });

  it("is never current while steps may be missing", () => {
    expect(freshnessOf(answer(), at(then), true)).toBe("superseded");
    expect(freshnessOf(answer({ revision: undefined }), undefined, true)).toBe("untracked");
  });
});

describe("an answer as a caller gets it", () => {
  it("is the list with its freshness now", () => {
    expect(shown(toUserDeviceKeys(answer(), at(then), settled))).toStrictEqual({
      ...list,
      identity,
      freshness: "current",
      digest,
    });
    expect(shown(toUserDeviceKeys(answer(), at(later), settled))).toStrictEqual({
      ...list,
      identity,
      freshness: "superseded",
      digest,
    });
  });

  it("is one object for all callers if it is cached and current", () => {
    const cached = new CachedList(list, then);
    expect(toUserDeviceKeys(fromCache(BOB, cached), at(then), settled)).toBe(cached.current(undefined));
    expect(shown(toUserDeviceKeys(fromCache(BOB, cached), at(later), settled))).toStrictEqual({
      ...list,
      identity,
      freshness: "superseded",
      digest,
    });
  });

  it("has an identity that is judged by our own key now", () => {
    const signed: DeviceList = { ...list, identity: { masterKey: "m", pinnedMasterKey: "m", signedBy: ["ours"] } };
    const verifiedBy = (ourKey: string | undefined) =>
      toUserDeviceKeys(answer({ list: signed }), at(then), { inDoubt: false, ourKey }).identity.verified;
    expect([verifiedBy("ours"), verifiedBy("another"), verifiedBy(undefined)]).toEqual([true, false, false]);
  });
});

describe("the answer for a user who could not be reached", () => {
  const known: DeviceList = {
    ...list,
    deviceStatus: new Map([["B1", { signedByItself: true, crossSigned: true, dehydrated: false }]]),
    rejected: new Map([["B2", { code: "malformed", detail: "x" }]]),
    identity: { masterKey: "m", pinnedMasterKey: "m", signedBy: ["ours"] },
  };

  it("is the last list, its devices as lastKnown, and its identity judged now", () => {
    const { deviceKeys, ...rest } = known;
    expect(
      shown(toUserDeviceKeys(unreachable(BOB, known, 7), at(then), { inDoubt: false, ourKey: "ours" })),
    ).toStrictEqual({
      ...rest,
      deviceKeys: new Map(),
      lastKnown: deviceKeys,
      identity: {
        state: "unchanged",
        masterKey: "m",
        pinnedMasterKey: "m",
        verified: true,
        wasVerified: true,
        collisions: [],
      },
      freshness: "unreachable",
      digest: keysDigest(known),
    });
  });

  it("has no devices and an unknown identity if no list is known", () => {
    expect(shown(toUserDeviceKeys(unreachable(BOB, undefined, 7), undefined, settled))).toStrictEqual({
      ...emptyList(7),
      identity: { state: "unknown", verified: false, wasVerified: false, collisions: [] },
      freshness: "unreachable",
      digest: keysDigest(emptyList(7)),
    });
  });

  it("leaves the devices in place if they were shown before", () => {
    const { identity: _, ...shown } = toUserDeviceKeys(noLongerReachable(answer({ list: known })), at(then), settled);
    expect(shown).toMatchObject({
      deviceKeys: known.deviceKeys,
      lastKnown: known.deviceKeys,
      freshness: "unreachable",
    });
  });

  it("stays the same if they cannot be reached again", () => {
    for (const last of [unreachable(BOB, known, 7), unreachable(BOB, undefined, 7)])
      expect(noLongerReachable(last)).toBe(last);
  });
});
