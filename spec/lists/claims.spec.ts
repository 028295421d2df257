import { describe, expect, it } from "vitest";
import { MAX_CLAIMS_OF_ONE_KEY, MAX_USERS_OF_ONE_KEY } from "../../src/keys/limits.js";
import { Claims, type ClaimsByUser } from "../../src/lists/claims.js";
import type { IndexEntry } from "../../src/lists/index-record.js";
import { BOB, CAROL, crowd } from "../support/users.js";

const KEY = "key";
const listed = (claims: ClaimsByUser) =>
  Array.from(claims, ([userId, deviceIds]) => `${userId} ${deviceIds.join(" ")}`);

function claimsOf(...records: readonly (readonly IndexEntry[])[]) {
  const claims = new Claims();
  for (const record of records) claims.add(record);
  const first = () => {
    const { claims: found, more } = claims.first("curve25519", KEY);
    return { users: [...found.keys()], more };
  };
  return { claims, first };
}

describe("the claims of a key", () => {
  it("are found by algorithm, and follow the last entry of each device", () => {
    const { claims } = claimsOf(
      [
        [BOB, "PHONE", KEY, "ed"],
        [BOB, "TABLET", KEY],
        [CAROL, "C", "other", KEY],
      ],
      [
        [BOB, "TABLET"],
        [CAROL, "D", KEY, undefined],
      ],
    );
    const byCurve = claims.first("curve25519", KEY);
    expect({ ...byCurve, claims: listed(byCurve.claims) }).toEqual({
      claims: [`${BOB} PHONE`, `${CAROL} D`],
      more: false,
    });
    expect(listed(claims.first("ed25519", KEY).claims)).toEqual([`${CAROL} C`]);
    claims.add([
      [BOB, "PHONE", "new", "ed"],
      [CAROL, "D", KEY, undefined],
    ]);
    expect(listed(claims.first("curve25519", KEY).claims)).toEqual([`${CAROL} D`]);
    expect(listed(claims.first("ed25519", "ed").claims)).toEqual([`${BOB} PHONE`]);
    claims.clear();
    expect(listed(claims.first("curve25519", KEY).claims)).toEqual([]);
    expect(listed(claims.all("curve25519", KEY))).toEqual([]);
  });

  it("are the first few of the first few users", () => {
    const users = crowd(2_000);
    const devices = Array.from({ length: 100 }, (_, i) => `D${i}`);
    const { claims } = claimsOf(
      users.flatMap((userId) => devices.slice(0, 10).map((deviceId): IndexEntry => [userId, deviceId, KEY])),
    );
    const { claims: found, more } = claims.first("curve25519", KEY);
    expect([...found.keys()]).toEqual(users.slice(0, MAX_USERS_OF_ONE_KEY));
    for (const deviceIds of found.values()) expect(deviceIds).toEqual(devices.slice(0, MAX_CLAIMS_OF_ONE_KEY));
    expect(more).toBe(true);
    expect([...claims.all("curve25519", KEY).keys()]).toEqual(users);
  });

  it("are known to be more, even once the first few are gone", () => {
    const users = crowd(MAX_USERS_OF_ONE_KEY);
    const { claims, first } = claimsOf(
      users.map((userId): IndexEntry => [userId, "D", KEY]),
      [[BOB, "PHONE", KEY]],
      users.map((userId): IndexEntry => [userId, "D"]),
    );
    expect(first()).toEqual({ users: [], more: true });
    expect(listed(claims.all("curve25519", KEY))).toEqual([`${BOB} PHONE`]);
    expect(first()).toEqual({ users: [BOB], more: false });
  });

  it("treat __proto__ and constructor as ordinary names", () => {
    const { claims } = claimsOf([["__proto__", "constructor", "__proto__"]]);
    expect(listed(claims.first("curve25519", "__proto__").claims)).toEqual(["__proto__ constructor"]);
    expect(listed(claims.first("curve25519", "constructor").claims)).toEqual([]);
  });
});
