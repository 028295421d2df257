// The tracker as an application uses it, with a homeserver that answers at once.
import { DeviceTracker, memoryStore } from "matrix-device-tracker";
import { defer, firstValueFrom, lastValueFrom, of, Subject } from "rxjs";
import { answerFor, ME } from "./answers.mjs";

/**
 * A connected tracker, and the subject of its sync responses.
 * @param {(userIds: readonly string[]) => string} answer returns the body of the answer to a query
 */
export function makeTracker(answer, store = memoryStore(), options = {}) {
  const sync$ = new Subject();
  const keysApi = {
    query: ({ device_keys }) => defer(() => of(JSON.parse(answer(Object.keys(device_keys))))),
    changes: () => of({}),
  };
  const tracker = new DeviceTracker({ userId: ME, sync$, keysApi, store, ...options });
  tracker.problems$.subscribe((problem) => {
    throw new Error(`a problem in a benchmark: ${problem.message}`);
  });
  tracker.connect();
  return { tracker, sync$, stop: () => tracker.close() };
}

/**
 * A tracker that tracks these accounts and has their lists in memory.
 * @param {readonly import("./answers.mjs").Account[]} accounts
 */
export async function makeTrackerWith(accounts, store = memoryStore()) {
  const made = makeTracker(answersFrom(accounts), store);
  const userIds = accounts.map(({ userId }) => userId);
  await track(made.tracker, userIds);
  await getLists(made.tracker, userIds);
  return made;
}

/** The answers of a homeserver with these accounts. */
export function answersFrom(accounts) {
  const byId = new Map(accounts.map((account) => [account.userId, account]));
  return (userIds) => answerFor(userIds.map((userId) => byId.get(userId)));
}

/** A homeserver that must not be queried. */
export const NO_ANSWERS = () => {
  throw new Error("the server should not be queried here");
};

export const track = (tracker, userIds) => lastValueFrom(tracker.track(userIds), { defaultValue: undefined });

/** The lists alone. */
export const getLists = (tracker, userIds) => firstValueFrom(tracker.getDeviceKeys(userIds));

/** The two keys of each device, which an application needs to encrypt for it. */
export async function readIdentityKeys(tracker, userIds) {
  const keys = [];
  for (const [userId, { deviceKeys }] of await getLists(tracker, userIds)) {
    for (const [deviceId, device] of deviceKeys)
      keys.push([userId, deviceId, device.keys[`curve25519:${deviceId}`], device.keys[`ed25519:${deviceId}`]]);
  }
  return keys;
}
