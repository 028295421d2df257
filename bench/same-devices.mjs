// Before anything is timed: both sides must make the same of the same answer.
import { deepStrictEqual, strictEqual } from "node:assert";
import { DEVICES } from "./accounts.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** Fails where the devices of these accounts and their keys are not the same to both. */
export async function checkSameDevices(accounts) {
  const userIds = accounts.map(({ userId }) => userId);
  const answer = ours.answersFrom(accounts);
  const { tracker, stop } = await ours.makeTrackerWith(accounts);
  const machine = await peer.makeMachineWith(accounts, answer);
  const found = await ours.readIdentityKeys(tracker, userIds);
  strictEqual(found.length, accounts.length * DEVICES);
  deepStrictEqual(sorted(await peer.readIdentityKeys(machine, userIds)), sorted(found));
  stop();
  machine.close();
}

/** The peer gives the devices of a user in no order. */
const sorted = (keys) => keys.map((key) => key.join(" ")).sort();
