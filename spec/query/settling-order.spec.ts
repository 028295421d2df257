import { expect, it } from "vitest";
import { DEVICES_AT_A_TIME, MAX_DEVICES_TOGETHER, USERS_AT_A_TIME } from "../../src/model/batch-sizes.js";
import { settlingOrder } from "../../src/query/settling-order.js";
import { ALICE, BOB, CAROL, crowd, DAVE } from "../support/users.js";

/** The order of users with so many devices. */
const orderOf = (devices: Readonly<Record<string, number>>) =>
  settlingOrder(Object.keys(devices), { countDevices: (userId) => devices[userId] ?? 0 }, ALICE);

it("settles users with few devices together, in the order of the query", () => {
  expect(orderOf({ [BOB]: MAX_DEVICES_TOGETHER, [ALICE]: 0, [CAROL]: 1 })).toEqual({
    portions: [[BOB, ALICE, CAROL]],
    apart: [],
  });
  expect(orderOf({})).toEqual({ portions: [], apart: [] });
});

it("settles users with many devices apart, those with fewer first", () => {
  const devices = { [BOB]: 5_000, [CAROL]: MAX_DEVICES_TOGETHER + 1, [DAVE]: 4 };
  expect(orderOf(devices)).toEqual({ portions: [[DAVE]], apart: [CAROL, BOB] });
});

it("never settles our own user apart: others are judged by our identity", () => {
  expect(orderOf({ [BOB]: 5_000, [ALICE]: 5_000 })).toEqual({ portions: [[ALICE]], apart: [BOB] });
});

it("limits the users of a portion", () => {
  const users = crowd(USERS_AT_A_TIME * 2 + 3);
  const { portions } = orderOf(Object.fromEntries(users.map((userId) => [userId, 1])));
  expect(portions.map(({ length }) => length)).toEqual([USERS_AT_A_TIME, USERS_AT_A_TIME, 3]);
  expect(portions.flat()).toEqual(users);
});

it("limits the devices of a portion", () => {
  const users = crowd(22);
  const { portions } = orderOf(Object.fromEntries(users.map((userId) => [userId, MAX_DEVICES_TOGETHER])));
  const inOne = DEVICES_AT_A_TIME / MAX_DEVICES_TOGETHER;
  expect(portions.map(({ length }) => length)).toEqual([inOne, inOne, 2]);
});
