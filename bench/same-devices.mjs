// Before anything is timed: both sides must find the same devices in the same answer.
import { deepStrictEqual, strictEqual } from "node:assert";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** Fails if the two sides find different devices or keys. */
export async function checkSameDevices(accounts) {
  const userIds = accounts.map(({ userId }) => userId);
  const answer = ours.answersFrom(accounts);
  const { tracker, stop } = await ours.makeTrackerWith(accounts);
  const machine = await peer.makeMachineWith(accounts, answer);
  const found = await ours.readIdentityKeys(tracker, userIds);
  strictEqual(found.length, accounts.length * Object.keys(accounts[0].devices).length);
  deepStrictEqual(sorted(await peer.readIdentityKeys(machine, userIds)), sorted(found));
  stop();
  machine.close();
}

/** The peer returns the devices of a user in no order. */
const sorted = (keys) => keys.map((key) => key.join(" ")).sort();
