// Looking up a room whose lists are all cached, as a client does for every message.
import { compare, elapsed } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** Lookups in one sample. */
const TIMES = 10;

/** @param {readonly import("./answers.mjs").Account[]} accounts */
export async function lookup(accounts) {
  const userIds = accounts.map(({ userId }) => userId);
  const { tracker, stop } = await ours.makeTrackerWith(accounts);
  const machine = await peer.makeMachineWith(accounts, ours.answersFrom(accounts));
  const rows = [
    {
      name: `lookup of ${userIds.length} cached users, both keys of each device read`,
      note: "peer: `getUserDevices` for each user, with its fastest store (memory); with IndexedDB it reads the database each time",
      ...(await compare(
        () => elapsed(() => ours.readIdentityKeys(tracker, userIds), TIMES),
        () => elapsed(() => peer.readIdentityKeys(machine, userIds), TIMES),
      )),
    },
    {
      name: "the same, lists alone",
      note: "only handles of the peer's: their keys stay in WebAssembly, where its own encryption reads them",
      ...(await compare(
        () => elapsed(() => ours.getLists(tracker, userIds), TIMES),
        () => elapsed(() => peer.getHandles(machine, userIds), TIMES),
      )),
    },
  ];
  stop();
  machine.close();
  return rows;
}
