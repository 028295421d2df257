// The first lookup after a restart: opens the account, and reads a room's lists.
import { deepStrictEqual } from "node:assert";
import { randomUUID } from "node:crypto";
import { idbStore } from "matrix-device-tracker/idb";
import { compare, elapsed } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** @param {readonly import("./answers.mjs").Account[]} accounts */
export async function restart(accounts) {
  await import("fake-indexeddb/auto");
  const userIds = accounts.map(({ userId }) => userId);
  const name = randomUUID();
  const { stop } = await ours.makeTrackerWith(accounts, idbStore(`ours-${name}`));
  stop();
  (await peer.makeMachineWith(accounts, ours.answersFrom(accounts), `peer-${name}`)).close();

  const count = accounts.length * Object.keys(accounts[0].devices).length;
  return [
    {
      name: `restart from IndexedDB, then the keys of ${userIds.length} saved users`,
      note: "fake-indexeddb on both sides: ours reads everything in one transaction, the peer in one for each user; the peer's store would also hold sessions (none here)",
      ...(await compare(
        async () => {
          let restarted;
          const time = await elapsed(async () => {
            restarted = ours.makeTracker(ours.NO_ANSWERS, idbStore(`ours-${name}`));
            deepStrictEqual((await ours.readIdentityKeys(restarted.tracker, userIds)).length, count);
          });
          restarted.stop();
          return time;
        },
        async () => {
          let machine;
          const time = await elapsed(async () => {
            machine = await peer.openMachine(`peer-${name}`);
            deepStrictEqual((await peer.readIdentityKeys(machine, userIds)).length, count);
          });
          machine.close();
          return time;
        },
      )),
    },
  ];
}
