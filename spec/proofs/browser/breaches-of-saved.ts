import type { UserId } from "../../../src/model/ids.js";
import { savedUser } from "../../../src/store/commit.js";
import { readEpoch, readOwner, readState, readSync } from "../../../src/store/records.js";
import { versionOf } from "./proof-server.js";
import type { SavedDump } from "./told.js";
import { positionOf, type Truth } from "./truth.js";

/** The token that is saved, if any. */
export const savedTokenOf = (saved: SavedDump): string | undefined =>
  readSync(new Map(saved.account).get("sync"))?.token;

/** How the breach of one who was announced and is not tracked ends. */
export const NOT_TRACKED = "and they are not tracked";

/** How many lists count as up to date. */
export function upToDateIn(saved: SavedDump): number {
  const epoch = readEpoch(new Map(saved.account).get("epoch") ?? 0);
  return saved.states.filter(([, state]) => savedUser(state, epoch)?.outdated === false).length;
}

/** What is saved that should not be, by what the server has announced: nothing, in whatever moment one looks, or looks again after a crash. */
export function breachesOfSaved(saved: SavedDump, truth: Truth, hasGiven: (token: string) => boolean): string[] {
  if (saved.account.length + saved.states.length + saved.lists.length === 0) return [];
  const account = new Map(saved.account);
  const owner = readOwner(account.get("owner"));
  if (owner === undefined) return ["nobody owns what is saved"];
  if (account.get("sync") === undefined && saved.states.length + saved.lists.length === 0) return [];
  const sync = readSync(account.get("sync"));
  const epoch = account.get("epoch") === undefined ? 0 : readEpoch(account.get("epoch"));
  if (sync === undefined || epoch === undefined)
    return [`the account's records cannot be read: ${JSON.stringify(saved.account)}`];
  const { token, revision: counter, steps } = sync;
  const breaches: string[] = [];
  if (token !== undefined && !hasGiven(token)) breaches.push(`the saved token ${token} was never given`);
  const position = positionOf(token) ?? 0;
  const states = new Map(saved.states);
  const lists = new Map(saved.lists);
  /** Where two tabs have been given different steps, the records may be newer than the token. */
  const hasNewsOf = (user: UserId) => (truth.announced(user)?.at ?? 0) > position;
  const expect = (kept: boolean, breach: () => string) => {
    if (!kept) breaches.push(breach());
  };

  expect(epoch <= counter, () => `the epoch ${epoch} is beyond the counter ${counter}`);
  for (const [user, record] of saved.states) {
    const state = readState(record);
    if (state === undefined) breaches.push(`the state of ${user} cannot be read`);
    else
      expect(
        state.revision <= counter && (state.listed ?? 0) <= counter,
        () => `the revisions of ${user} are beyond the counter ${counter}: ${JSON.stringify(state)}`,
      );
    const announced = truth.announced(user, position);
    expect(
      announced === undefined || "version" in announced || hasNewsOf(user),
      () => `${user} left at ${announced?.at}, the saved token is ${token}, and they are tracked still`,
    );
    const list = lists.get(user);
    if (savedUser(record, epoch)?.outdated !== false) continue;
    if (list === undefined) breaches.push(`${user} counts as up to date and has no list`);
    else {
      expect(
        list.revision === savedUser(record, epoch)?.revision,
        () => `${user} counts as up to date, but the list is of revision ${list.revision}: ${JSON.stringify(record)}`,
      );
      const required = announced !== undefined && "version" in announced ? announced.version : 0;
      expect(
        versionOf(list.devices) >= required,
        () =>
          `P4: ${user} counts as up to date with [${list.devices.join(" ")}]; V${required} was announced at ${announced?.at}, and the saved token is ${token}`,
      );
    }
  }
  for (const [user, { readable }] of saved.lists) {
    expect(readable, () => `the list of ${user} cannot be read`);
    expect(states.has(user), () => `there is a list of ${user}, who is not tracked`);
  }
  for (const user of truth.everAnnounced) {
    const announced = truth.announced(user, position);
    if (announced !== undefined && "version" in announced && !hasNewsOf(user))
      expect(
        states.has(user),
        () => `${user} was announced at ${announced.at}, the saved token is ${token}, ${NOT_TRACKED}`,
      );
  }
  for (const { since, next, revision } of steps) {
    const [from, to] = [positionOf(since), positionOf(next)];
    if (from === undefined || to === undefined) continue;
    for (const user of truth.lists(from, to).changed) {
      const state = readState(states.get(user));
      expect(
        state === undefined || Math.max(state.revision, epoch) >= revision,
        () =>
          `half of a step: ${since} to ${next} is remembered as ${revision}, and ${user}, who changed in it, is at ${state?.revision}`,
      );
    }
  }
  return breaches;
}
