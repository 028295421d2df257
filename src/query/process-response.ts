import {
  concat,
  concatMap,
  defer,
  EMPTY,
  finalize,
  forkJoin,
  from,
  map,
  of,
  subscribeOn,
  switchMap,
  toArray,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import type { ListMemory } from "../lists/list-memory.js";
import type { ListSaver } from "../lists/list-saver.js";
import type { ListToSave } from "../lists/save-lists.js";
import type { KnownList, SavedLists } from "../lists/saved-lists.js";
import type { RefusedPart } from "../keys/unverified-list.js";
import { MAX_LENGTH_TOGETHER } from "../model/batch-sizes.js";
import type { CountActivity } from "../model/activity.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceList } from "../trust/device-list.js";
import { unpinned } from "../trust/identity.js";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import { planVerification, type UnsignedDevices, type Verification, type Verified } from "../trust/verify-list.js";
import { unreachable, type Answer } from "./answer.js";
import type { ParsedResponse, ParsedUser } from "./parse-response.js";
import type { SentQuery } from "./query-request.js";
import { RefusedAnswers } from "./refused-answers.js";
import { settlingOrder } from "./settling-order.js";
import { verifyAll } from "./verify-all.js";
import { verifyInParts } from "./verify-in-parts.js";

const NO_LISTS: ReadonlyMap<UserId, KnownList> = new Map();

export interface ProcessPorts {
  readonly ownUserId: UserId;
  readonly unsignedDevices: UnsignedDevices;
  readonly memory: ListMemory;
  readonly lists: SavedLists;
  readonly saver: Pick<ListSaver, "save">;
  readonly verifier: SignatureVerifier;
  /** How long to wait for the verifier, in ms. */
  readonly deadline: number;
  readonly scheduler: SchedulerLike;
  readonly count: CountActivity;
  readonly report: (problem: TrackerProblem) => void;
}

/**
 * Turns a response into answers, emitted as they are settled:
 *
 * 1. The response is parsed and its signatures verified, except those of known devices. A change that arrives in the
 *    meantime supersedes it, as if it were still on the wire.
 * 2. A list is saved if its user was tracked and no change arrived since the query was sent. Its pins are saved in any
 *    case.
 * 3. Callers get the list in any case. For a user that was not reached, they get the last known list; nothing that the
 *    response says of such a user is used or pinned.
 *
 * Users with few devices are saved and emitted together. The others follow one by one, so that a user with thousands of
 * devices delays no other user of the query.
 */
export function processResponse(
  response: ParsedResponse,
  query: SentQuery,
  ports: ProcessPorts,
): Observable<ReadonlyMap<UserId, Answer>> {
  const userIds = [...query.revisions.keys()];
  const { portions, apart } = settlingOrder(userIds, response, ports.ownUserId);
  const refused = new RefusedAnswers(ports.report);
  const late = [...apart];
  let left = userIds.length;
  const settle = (users: readonly ReadUser[]) => {
    for (const { userId, refusals } of users) refused.add(userId, refusals);
    left -= users.length;
    if (left === 0) refused.report();
    return users.length === 0 ? EMPTY : settleUsers(users, query, ports);
  };
  const together$ = from(portions).pipe(
    concatMap((portion) => {
      const unchanged = portion.flatMap((userId) => unchangedUser(userId, response, ports) ?? []);
      const isUnchanged = new Set(unchanged.map(({ userId }) => userId));
      const others = portion.filter((userId) => !isUnchanged.has(userId));
      const parsed = others.map((userId) => [userId, response.parseUser(userId)] as const);
      const isLate = ([userId, { length }]: (typeof parsed)[number]) =>
        length > MAX_LENGTH_TOGETHER && userId !== ports.ownUserId;
      late.unshift(...parsed.filter(isLate).map(([userId]) => userId)); // parsed again later, to save memory until then
      const verified$ = verify(new Map(parsed.filter((user) => !isLate(user))), ports);
      return verified$.pipe(map((verified) => [...unchanged, ...verified]));
    }),
    toArray(),
    switchMap((users) => settle(users.flat())),
  );
  const apart$ = from(late).pipe(
    concatMap((userId) => {
      const unchanged = unchangedUser(userId, response, ports);
      return unchanged === undefined ? verifyApart(userId, response.parseUser(userId), ports) : of(unchanged);
    }),
    concatMap((user) => settle([user])),
  );
  // In a task of its own, so that callers of the other users go on first.
  const afterwards$ = defer(() => {
    if (late.length === 0) return EMPTY;
    return portions.length === 0 ? apart$ : apart$.pipe(subscribeOn(ports.scheduler));
  });
  return concat(together$, afterwards$).pipe(
    finalize(() => {
      refused.report(); // of users that were settled before a failure
    }),
  );
}

function settleUsers(
  users: readonly ReadUser[],
  query: SentQuery,
  ports: ProcessPorts,
): Observable<ReadonlyMap<UserId, Answer>> {
  const { lists, saver } = ports;
  const reached = users.filter(isReached);
  const others = users.flatMap((user) => (isReached(user) ? [] : [user.userId]));
  const known$ = others.length === 0 ? of(NO_LISTS) : lists.lastKnown(others);
  return forkJoin([saver.save(toSave(reached, query, ports)), known$]).pipe(
    map(([decided, known]) => {
      const answerFor = ({ userId, fetchedAt }: ReadUser): Answer => {
        const one = decided.get(userId);
        if (one === undefined) return unreachable(userId, known.get(userId)?.list, fetchedAt);
        const superseded = one.refused || query.isSuperseded(userId);
        const { list, cached } = one;
        return { userId, list, revision: query.revisions.get(userId), superseded, reachable: true, cached };
      };
      return new Map(users.map((user) => [user.userId, answerFor(user)]));
    }),
  );
}

interface ReadUser {
  readonly userId: UserId;
  readonly fetchedAt: number;
  readonly refusals: readonly RefusedPart[];
  readonly isListed: ParsedUser["isListed"];
  /** The verified list; `undefined` if the user was not reached. */
  readonly list: DeviceList | undefined;
  /** The list in memory that the response repeats, if any. */
  readonly repeats?: DeviceList | undefined;
}

type ReachedUser = ReadUser & { readonly list: DeviceList };

const isReached = (user: ReadUser): user is ReachedUser => user.list !== undefined;

function toSave(
  users: readonly ReachedUser[],
  query: SentQuery,
  { unsignedDevices }: ProcessPorts,
): ReadonlyMap<UserId, ListToSave> {
  const refusesUnsigned = unsignedDevices === "refuse";
  return new Map(
    users.map(({ userId, list, repeats, isListed }) => {
      const revision = !query.isSuperseded(userId) ? query.revisions.get(userId) : undefined;
      const forced = query.isForced(userId);
      return [userId, { list, repeats, askedAfter: query.sentAfter, revision, forced, refusesUnsigned, isListed }];
    }),
  );
}

/**
 * A user whose part equals that of the last list, which has already been parsed and verified. `undefined` if it
 * differs, or if our own signatures in it may have to be checked again.
 */
function unchangedUser(
  userId: UserId,
  response: ParsedResponse,
  { memory, ownUserId }: Pick<ProcessPorts, "memory" | "ownUserId">,
): ReadUser | undefined {
  const known = memory.last(userId)?.list;
  if (known === undefined || !response.isReachable(userId) || !response.isSame(userId, known)) return undefined;
  if (userId !== ownUserId && !hasVerifiedSignaturesOnly(known, ownUserId)) return undefined;
  const { fetchedAt } = response;
  const isListed = (deviceId: DeviceId) => known.deviceKeys.has(deviceId);
  return {
    userId,
    fetchedAt,
    refusals: [],
    isListed,
    list: { ...known, fetchedAt, identity: unpinned(known.identity) },
    repeats: known,
  };
}

const hasVerifiedSignaturesOnly = ({ masterKey, identity }: DeviceList, ownUserId: UserId): boolean =>
  Object.keys(masterKey?.signatures?.[ownUserId] ?? {}).every((keyId) =>
    identity.signedBy.includes(keyId.slice("ed25519:".length)),
  );

function verify(parsed: ReadonlyMap<UserId, ParsedUser>, ports: ProcessPorts): Observable<readonly ReadUser[]> {
  const reached = new Map(Array.from(parsed).filter(([, { reachable }]) => reachable));
  return plan(reached, ports).pipe(
    switchMap((planned) => verifyAll(planned, ports)),
    map((verified) => Array.from(parsed, ([userId, user]) => readUser(userId, user, verified.get(userId)))),
  );
}

/** Verifies a user with many devices. They are in the response, so they were reached. */
function verifyApart(userId: UserId, parsed: ParsedUser, ports: ProcessPorts): Observable<ReadUser> {
  return ports.lists
    .lastKnown([userId], (user) => user?.hasList === true)
    .pipe(
      switchMap((known) => {
        const context = { ...ports, ourKeys: keysOfOurs(new Map(), ports) };
        return verifyInParts(userId, parsed.list, known.get(userId)?.list, context);
      }),
      map((verified) => readUser(userId, parsed, verified)),
    );
}

function readUser(userId: UserId, parsed: ParsedUser, verified: Verified | undefined): ReadUser {
  const { list, refusals = [] } = verified ?? {};
  const { isListed } = parsed;
  return { userId, fetchedAt: parsed.list.fetchedAt, list, isListed, refusals: [...parsed.refusals, ...refusals] };
}

/**
 * Decides what to verify. If memory has no list to compare with, reads the saved one: that costs less than verifying
 * its devices again.
 */
function plan(
  parsed: ReadonlyMap<UserId, ParsedUser>,
  ports: ProcessPorts,
): Observable<ReadonlyMap<UserId, Verification>> {
  const { lists, memory } = ports;
  const context = { ...ports, ourKeys: keysOfOurs(parsed, ports) };
  const planned = new Map<UserId, Verification>();
  for (const [userId, { list }] of parsed)
    planned.set(userId, planVerification(list, userId, memory.last(userId)?.list, context));
  const toRead = Array.from(planned).flatMap(([userId, { checks }]) =>
    checks.length > 0 && memory.last(userId) === undefined ? [userId] : [],
  );
  if (toRead.length === 0) return of(planned);
  return lists
    .lastKnown(toRead, (user) => user?.hasList === true)
    .pipe(
      map((known) => {
        for (const [userId, { list: before }] of known) {
          const list = parsed.get(userId)?.list;
          if (list !== undefined) planned.set(userId, planVerification(list, userId, before, context));
        }
        return planned;
      }),
    );
}

/** Returns user-signing keys that are ours, or will be if the identity in this response is. */
function keysOfOurs(
  parsed: ReadonlyMap<UserId, ParsedUser>,
  { memory, ownUserId }: Pick<ProcessPorts, "memory" | "ownUserId">,
): readonly string[] {
  const own = parsed.get(ownUserId)?.list ?? memory.last(ownUserId)?.list; // it may be unchanged, or already settled
  const given = Object.values(own?.userSigningKey?.keys ?? {});
  return memory.ourKey === undefined ? given : [memory.ourKey, ...given];
}
