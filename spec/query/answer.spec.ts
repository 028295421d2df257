import { describe, expect, it } from "vitest";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { freshnessOf, fromCache, notAUser, toUserDeviceKeys, type Answer } from "../../src/query/answer.js";
import { CachedList } from "../../src/lists/list-cache.js";
import { Revision } from "../../src/store/revision.js";
import { testDevice } from "../../src/testing/test-device.js";
import { BOB } from "../support/users.js";

const then = new Revision(1);
const later = new Revision(2);
const list: DeviceList = { ...emptyList(5), deviceKeys: new Map([["B1", testDevice(BOB, "B1")]]) };
const settled = { inDoubt: false, ourKey: undefined };
/** What is made of an identity that is none. */
const identity = { state: "none", verified: false };
const answer = (properties: Partial<Answer> = {}): Answer => ({
  userId: BOB,
  list,
  revision: then,
  superseded: false,
  reachable: true,
  ...properties,
});
const at = (revision: Revision) => ({ revision, outdated: false });

describe("freshnessOf", () => {
  it.each([
    ["current where the user is at the revision that was asked at", answer(), at(then), "current"],
    ["superseded where the user has another revision now", answer(), at(later), "superseded"],
    ["superseded where the user is no longer tracked", answer(), undefined, "superseded"],
    ["superseded where the user has been tracked since", answer({ revision: undefined }), at(then), "superseded"],
    ["superseded where the answer was so before", answer({ superseded: true }), at(then), "superseded"],
    ["untracked where the user was not tracked, nor is now", answer({ revision: undefined }), undefined, "untracked"],
    ["unreachable before all", answer({ reachable: false, superseded: true }), at(later), "unreachable"],
  ])("is %s", (_, given, user, expected) => {
    expect(freshnessOf(given, user, false)).toBe(expected);
  });

  it("tells revisions apart that have no number yet", () => {
    expect(freshnessOf(answer({ revision: new Revision() }), at(new Revision()), false)).toBe("superseded");
  });

  it("calls nothing current while steps are known to be missing", () => {
    expect(freshnessOf(answer(), at(then), true)).toBe("superseded");
    expect(freshnessOf(answer({ revision: undefined }), undefined, true)).toBe("untracked");
  });
});

describe("toUserDeviceKeys", () => {
  it("gives the list as it is, with its freshness now", () => {
    expect(toUserDeviceKeys(answer(), at(then), settled)).toStrictEqual({ ...list, identity, freshness: "current" });
    expect(toUserDeviceKeys(answer(), at(later), settled)).toStrictEqual({
      ...list,
      identity,
      freshness: "superseded",
    });
  });

  it("gives all callers the same where it comes from the cache and is current", () => {
    const cached = new CachedList(list, then);
    expect(toUserDeviceKeys(fromCache(BOB, cached), at(then), settled)).toBe(cached.current(undefined));
    expect(toUserDeviceKeys(fromCache(BOB, cached), at(later), settled)).toStrictEqual({
      ...list,
      identity,
      freshness: "superseded",
    });
  });

  it("gives of the last list that we had its devices", () => {
    const none = notAUser(BOB, 7);
    expect(toUserDeviceKeys({ ...none, reachable: false, lastKnown: list }, at(then), settled)).toStrictEqual({
      ...emptyList(7),
      identity,
      freshness: "unreachable",
      lastKnown: list.deviceKeys,
    });
  });
});
