import type { UserId } from "../model/ids.js";
import type { RecordKey } from "./device-store.js";
import { updateClaims } from "../lists/claims.js";
import { readListRecord } from "../lists/list-record.js";
import {
  EPOCH,
  listKey,
  MAX_REMEMBERED_LEFT,
  NO_SYNC,
  readEpoch,
  readState,
  readSync,
  REMEMBERED_STEPS,
  stateKey,
  SYNC,
  type RememberedStep,
  type StateRecord,
  type SyncRecord,
} from "./records.js";
import { leftSince } from "./left-since.js";
import type { SavedRecords } from "./saved-records.js";

/** Devices whose claims a step takes out of the index at the most. */
const MAX_DEVICES_UNCLAIMED_PER_STEP = 1_000;

/** A step as it is committed. */
export interface StepToCommit {
  /** The token that it answered, where the caller said so. */
  readonly since: string | undefined;
  /** The token on which this tracker's memory stood when it applied the step. */
  readonly follows: string | undefined;
  /** The token it leads to; `undefined` where there is none, and then the saved token stays. */
  readonly next: string | undefined;
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
  /** Everyone's saved list becomes outdated. */
  readonly everyone: boolean;
  /** Whether the server was asked for it, because steps were missing, and another tab may be ahead of where it leads. */
  readonly asked: boolean;
  /** The store's last revision, if it is as this tracker has left it; `undefined` where another tab has committed anything. */
  readonly aloneAt?: number | undefined;
}

/** What the store says of a user: no entry in `tracked` where they are not tracked. */
export interface SavedUser {
  readonly revision: number;
  readonly outdated: boolean;
}

export interface Committed {
  /** The revision of the step. */
  readonly revision: number;
  /**
   * The revision of the last changes that were committed before it, by whichever tab, or a greater one; `Infinity` where nothing is known of that. Where it is greater than all that this tracker knows,
   * what it asked of the server after it applied this step may be older than those changes, though the revision that the step gets here is greater.
   */
  readonly previous: number;
  /** Whether it had been committed already: by another tab, or by an update that was given up. */
  readonly recognised: boolean;
  /** What the store says of the step's users, where that may be something else than that they changed at `revision`. */
  readonly users: ReadonlyMap<UserId, SavedUser | undefined>;
}

/** The records that {@link commitStep} works on. */
export const stepKeys = (step: StepToCommit): RecordKey[] => [
  SYNC,
  EPOCH,
  ...step.changed.map(stateKey),
  ...step.left.flatMap((userId) => [stateKey(userId), listKey(userId)]),
];

/**
 * Commits a step: the invalidations it stands for and the token it leads to, in one transaction.
 *
 * A step that says what it answered, and that another tab has already committed, is not committed again: lists fetched since would be thrown away
 * for nothing. A step without `since`, or whose two tokens are equal, is never taken for one already committed: servers repeat tokens,
 * and a change applied twice costs a query, while one lost costs messages.
 */
export function commitStep(records: SavedRecords, step: StepToCommit, ownUserId: UserId): Committed {
  const { sync, lost } = readCounter(records, step.follows, step.changed);
  if (step.since !== undefined && step.since === step.next && namesNobody(step) && sync.token !== undefined && !lost) {
    // Nothing is new. Of a tab that lags it must not lead the token back: what that tab is given next would then look as if it had not been committed by the others.
    return {
      revision: sync.revision,
      previous: lastChangesBefore(sync.revision + 1, sync, records),
      recognised: false,
      users: new Map(),
    };
  }
  const repeated = findCommitted(sync, records, step);
  if (repeated !== undefined) {
    // An update that was given up and took effect all the same, and is now done again, may have moved the token back.
    if (sync.token === step.since && step.next !== undefined)
      records.set(SYNC, { ...sync, token: step.next } satisfies SyncRecord);
    return {
      revision: repeated,
      previous: lastChangesBefore(repeated, sync, records),
      recognised: true,
      users: savedUsers(records, step.changed),
    };
  }

  const revision = sync.revision + 1;
  const previous = lost ? Number.POSITIVE_INFINITY : lastChangesBefore(revision, sync, records);
  if (step.everyone || lost) records.set(EPOCH, revision);
  const unclaimed = step.left.map((userId) => ({
    userId,
    before: readListRecord(records.get(listKey(userId)), userId)?.list,
    after: undefined,
  }));
  // What is left in the index counts for nobody (see DeviceLists.claimants): a commit must stay within its deadline, or the token is stuck for ever.
  if (unclaimed.reduce((sum, { before }) => sum + (before?.deviceKeys.size ?? 0), 0) <= MAX_DEVICES_UNCLAIMED_PER_STEP)
    updateClaims(records, unclaimed);
  const removed = new Set(step.left.filter((userId) => records.get(stateKey(userId)) !== undefined));
  for (const userId of step.left) {
    records.set(stateKey(userId), undefined);
    records.set(listKey(userId), undefined);
  }
  // Whom the server tells us nothing of any more stays untracked, or a list fetched now would never become outdated. Where they are back, their next change tells.
  const unknown = step.changed.filter((userId) => userId !== ownUserId && records.get(stateKey(userId)) === undefined);
  // One that is alone has only itself to lag behind: it may have been given an older token by its application, and the server tells it all that came since again.
  const isAlone = step.aloneAt === sync.revision && sync.steps.at(-1)?.asked !== true;
  const stayLeft = new Set(
    unknown.length === 0 || isAlone ? [] : unknown.filter(leftSince(sync.steps, step.since, step.everyone)),
  );
  for (const userId of step.changed) {
    if (stayLeft.has(userId)) continue;
    const { listed } = readState(records.get(stateKey(userId))) ?? {};
    records.set(stateKey(userId), { revision, ...(listed !== undefined && { listed }) } satisfies StateRecord);
  }
  const last = step.next === undefined ? undefined : rememberedStep(step, step.next, removed, revision);
  const steps = last === undefined ? sync.steps : [...sync.steps, last].slice(-REMEMBERED_STEPS);
  const token = step.next ?? sync.token;
  records.set(SYNC, { revision, steps, ...(token !== undefined && { token }) } satisfies SyncRecord);
  return { revision, previous, recognised: false, users: savedUsers(records, [...stayLeft]) };
}

const remembered = (users: readonly UserId[]): readonly UserId[] | "many" =>
  users.length > MAX_REMEMBERED_LEFT ? "many" : users;

const namesNobody = ({ changed, left, everyone }: StepToCommit): boolean =>
  changed.length + left.length === 0 && !everyone;

function rememberedStep(
  step: StepToCommit,
  next: string,
  removed: ReadonlySet<UserId>,
  revision: number,
): RememberedStep {
  const { since, asked } = step;
  const left = step.left.filter((userId) => removed.has(userId));
  const gone = step.left.filter((userId) => !removed.has(userId));
  return {
    ...(since !== undefined && { since }),
    next,
    revision,
    ...(left.length > 0 && { left: remembered(left) }),
    ...(gone.length > 0 && { gone: remembered(gone) }),
    ...(asked && { asked }),
    ...(namesNobody(step) && { idle: true }),
  };
}

/** The records that {@link commitTracked} works on. */
export const trackedKeys = (users: readonly UserId[]): RecordKey[] => [SYNC, EPOCH, ...users.map(stateKey)];

/** Commits that users are tracked from now on, with no list yet; those whom the store tracks already stay as they are. */
export function commitTracked(records: SavedRecords, users: readonly UserId[], follows: string | undefined): Committed {
  const { sync, lost } = readCounter(records, follows, users);
  const revision = sync.revision + 1;
  const previous = lost ? Number.POSITIVE_INFINITY : lastChangesBefore(revision, sync, records);
  if (lost) records.set(EPOCH, revision);
  const known = users.filter((userId) => records.get(stateKey(userId)) !== undefined);
  for (const userId of users)
    if (records.get(stateKey(userId)) === undefined) records.set(stateKey(userId), { revision } satisfies StateRecord);
  records.set(SYNC, { ...sync, revision } satisfies SyncRecord);
  return { revision, previous, recognised: false, users: savedUsers(records, known) };
}

/** Steps are remembered, but for those that lead nowhere, which outdate everyone, and those forgotten by now, which came before all that is remembered. */
function lastChangesBefore(revision: number, { steps }: SyncRecord, records: SavedRecords): number {
  const forgotten = steps.length < REMEMBERED_STEPS ? 0 : Math.min(revision, steps[0]?.revision ?? revision) - 1;
  const step =
    steps.findLast((remembered) => remembered.revision < revision && remembered.idle !== true)?.revision ?? forgotten;
  const epoch = epochOf(records) ?? Number.POSITIVE_INFINITY;
  return epoch < revision ? Math.max(step, epoch) : step;
}

/**
 * The revision of this very step, where another tab has committed it.
 *
 * Its two tokens may have come before for another step: some servers repeat them. So it must come after the last step that led to where it begins, and what is saved
 * must have it in it; a user whose state is gone has left in a later step.
 */
function findCommitted(
  { steps }: SyncRecord,
  records: SavedRecords,
  { since, next, changed, left, everyone }: StepToCommit,
): number | undefined {
  if (since === undefined || since === next || everyone) return undefined;
  const begins = steps.findLast((step) => step.next === since)?.revision ?? 0;
  const revision = steps.findLast((step) => step.since === since && step.next === next)?.revision;
  if (revision === undefined || revision < begins) return undefined;
  const isCovered = (userId: UserId) => {
    const state = records.get(stateKey(userId));
    return state === undefined || (readState(state)?.revision ?? 0) >= revision;
  };
  // Who has left is back only where a later step says so: a track() from before the step may have been committed after it.
  const isGone = (userId: UserId) => {
    const state = records.get(stateKey(userId));
    if (state === undefined) return true;
    const last = readState(state)?.revision;
    return steps.some((step) => step.revision > revision && step.revision === last);
  };
  return changed.every(isCovered) && left.every(isGone) ? revision : undefined;
}

/** How far the counter of revisions is moved on where it was lost: far beyond any that was allotted since the states at hand were written. */
export const LOST_COUNTER_LEAP = 1_000_000_000;

/**
 * The counter of revisions, and the rest of its record. Where that is damaged, or gone though this tracker has seen it, revisions would be allotted twice: it goes on
 * from far beyond them, and the caller must make that an epoch.
 */
function readCounter(
  records: SavedRecords,
  follows: string | undefined,
  users: readonly UserId[],
): { readonly sync: SyncRecord; readonly lost: boolean } {
  const saved = records.get(SYNC);
  const sync = readSync(saved) ?? (saved === undefined && follows === undefined ? NO_SYNC : undefined);
  const epoch = epochOf(records);
  let revision = epoch ?? 0;
  for (const userId of users) revision = Math.max(revision, readState(records.get(stateKey(userId)))?.revision ?? 0);
  // Nothing is ever allotted beyond the counter: where a record says so, one of the two is damaged.
  if (sync !== undefined && revision <= sync.revision) return { sync, lost: epoch === undefined };
  return { sync: { steps: [], ...sync, revision: revision + LOST_COUNTER_LEAP }, lost: true };
}

/** The revision since which everyone is outdated, 0 where there was never such a one, `undefined` where that cannot be read. */
export function epochOf(records: SavedRecords): number | undefined {
  const saved = records.get(EPOCH);
  return saved === undefined ? 0 : readEpoch(saved);
}

/**
 * What a record says of its user. A damaged one says that they are tracked and outdated.
 * @param epoch `undefined` where it cannot be read: then nobody's list is to be trusted
 */
export function savedUser(state: unknown, epoch: number | undefined): SavedUser | undefined {
  if (state === undefined) return undefined;
  const { revision: changed, listed } = readState(state) ?? { revision: 0, listed: undefined };
  const revision = Math.max(changed, epoch ?? 0);
  return { revision, outdated: epoch === undefined || listed !== revision };
}

function savedUsers(records: SavedRecords, users: readonly UserId[]): ReadonlyMap<UserId, SavedUser | undefined> {
  const epoch = epochOf(records);
  return new Map(users.map((userId) => [userId, savedUser(records.get(stateKey(userId)), epoch)]));
}
