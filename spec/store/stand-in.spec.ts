import { expect, it } from "vitest";
import { OWNER, STORE_FORMAT } from "../../src/store/records.js";
import { standIn } from "../../src/store/stand-in.js";
import { saved } from "../support/saved.js";
import { ALICE } from "../support/users.js";
import { usersOf } from "./steps.js";

it("memory that stands in for a store says so, tracks our own user, and has no token", () => {
  const { store, account } = standIn(ALICE, "new");
  const owner = { userId: ALICE, format: STORE_FORMAT, lifetime: "new", lostPins: true };
  expect([saved(store, OWNER), account.owner]).toEqual([owner, owner]);
  expect(usersOf({ users: new Map(account.state.users) })).toEqual(["alice@0 none"]);
  expect(account.state).toMatchObject({ head: 0, position: 0, token: undefined });
  expect([account.ourKey, account.damaged]).toEqual([undefined, new Map()]);
});
