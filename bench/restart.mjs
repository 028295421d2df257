// The first lookup after a restart: the account is opened from the database, and a room's lists are read from it.
import { deepStrictEqual } from "node:assert";
import { randomUUID } from "node:crypto";
import { idbStore } from "matrix-device-tracker/idb";
import { compare, elapsed } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** @param {readonly import("./accounts.mjs").Account[]} accounts */
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
      note: "fake-indexeddb on both sides, so its costs weigh on both: ours reads all in one transaction, the peer one for each user; the peer's store also holds sessions (here none)",
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
