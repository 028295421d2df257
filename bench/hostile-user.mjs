// How much longer the others in a query wait because one of its users has thousands of devices.
import { firstValueFrom } from "rxjs";
import { makeAccount } from "./accounts.mjs";
import { answerFor } from "./answers.mjs";
import { compare, elapsed } from "./measure.mjs";
import * as ours from "./ours.mjs";

const USER = "@hostile:bench.example";
const HOSTILE_DEVICES = [2_000, 5_000];

/** @param {readonly import("./answers.mjs").Account[]} accounts the others */
export async function hostileUser(accounts) {
  const others = accounts.map(({ userId }) => userId);

  /** The time until the others have their lists, if the user has so many devices. */
  const othersWith = (count) => {
    const text = answerFor([...accounts, makeAccount(USER, count)]);
    const answer = () => text;
    return async () => {
      const { tracker, stop } = ours.makeTracker(answer);
      await ours.track(tracker, [...others, USER]);
      const time = await elapsed(async () => {
        const all = tracker.getDeviceKeys([...others, USER]).subscribe();
        await firstValueFrom(tracker.getDeviceKeys(others)); // of the same request
        all.unsubscribe();
      });
      stop();
      return time;
    };
  };
  const usual = othersWith(3);
  const rows = [];
  for (const count of HOSTILE_DEVICES)
    rows.push({
      name: `${others.length} users in one query with a user of ${count} devices; beside it, with one of 3`,
      note: "until the others have their lists",
      ...(await compare(othersWith(count), usual)),
    });
  return rows;
}
