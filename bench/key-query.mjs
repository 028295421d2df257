// Processing answers of /keys/query, from their texts to lists that are verified and saved.
import { firstValueFrom } from "rxjs";
import { textsFrom } from "./answers.mjs";
import { compare, elapsed } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** @param {readonly import("./answers.mjs").Account[]} accounts */
export async function keyQuery(accounts) {
  const userIds = accounts.map(({ userId }) => userId);
  const answer = textsFrom(accounts);

  /** The time for the first answer, or for the same answer again. */
  const process = async (again) => {
    const { tracker, stop } = ours.makeTracker(answer);
    await ours.track(tracker, userIds);
    const ask = () => firstValueFrom(tracker.getDeviceKeys(userIds, { forceDownload: true }));
    if (again) await ask();
    const time = await elapsed(ask);
    stop();
    return time;
  };
  const peerProcesses = async (again) => {
    const machine = await peer.makeMachine();
    await peer.trackUsers(machine, userIds);
    let time = await elapsed(() => peer.answerQueries(machine, answer));
    if (again) {
      await peer.applySync(machine, userIds);
      time = await elapsed(() => peer.answerQueries(machine, answer));
    }
    machine.close();
    return time;
  };
  const devices = accounts.reduce((sum, account) => sum + Object.keys(account.devices).length, 0);
  const name = `take in ${userIds.length} users with ${devices} devices`;
  return [
    {
      name,
      note: "both verify each device's own signature",
      ...(await compare(
        () => process(false),
        () => peerProcesses(false),
      )),
    },
    {
      name: "the same answer again, after a change that changed nothing",
      note: "ours does not verify unchanged devices again",
      ...(await compare(
        () => process(true),
        () => peerProcesses(true),
      )),
    },
  ];
}
