import { expect, it } from "vitest";
import type { UserDeviceKeys } from "../../src/model/results.js";
import { giveLists, KEYS_QUERY, UNASKED } from "../../src/olm-machine/lists-to-give.js";
import type { KeyQueryMachine } from "../../src/olm-machine/machine.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";

/** A machine that refuses each answer in which one of these users is. */
function refusing(...refused: readonly string[]) {
  const given: [string, string[]][] = [];
  const machine: KeyQueryMachine = {
    userId: {},
    outgoingRequests: () => Promise.resolve([]),
    updateTrackedUsers: () => Promise.resolve(),
    markRequestAsSent: (id, type, response) => {
      expect(type).toBe(KEYS_QUERY);
      const userIds = Object.keys((JSON.parse(response) as { device_keys: object }).device_keys);
      if (userIds.some((userId) => refused.includes(userId))) return Promise.reject(new Error("unreadable"));
      given.push([id, userIds]);
      return Promise.resolve(true);
    },
  };
  return { machine, given };
}

const lists = (...userIds: readonly string[]) =>
  new Map(userIds.map((userId): [string, UserDeviceKeys | undefined] => [userId, undefined]));

it("gives all lists at once", async () => {
  const { machine, given } = refusing();
  expect(await giveLists(machine, { requestId: "r1", lists: lists(ALICE, BOB), unreachable: [EVE] })).toEqual(
    new Map(),
  );
  expect(given).toEqual([["r1", [ALICE, BOB]]]);
});

it("leaves out the lists that the machine cannot read", async () => {
  const { machine, given } = refusing(BOB);
  const refused = await giveLists(machine, { requestId: "r1", lists: lists(ALICE, BOB, CAROL), unreachable: [] });
  expect([...refused.keys()]).toEqual([BOB]);
  expect(given).toEqual([
    [UNASKED, [ALICE]],
    [UNASKED, [CAROL]],
    ["r1", [ALICE, CAROL]],
  ]);
});

it("fails if the machine refuses everything", async () => {
  const machine = { ...refusing().machine, markRequestAsSent: () => Promise.reject(new Error("closed")) };
  await expect(giveLists(machine, { requestId: "r1", lists: lists(BOB), unreachable: [] })).rejects.toThrow("closed");
});
