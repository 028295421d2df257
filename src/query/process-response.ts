import { concatMap, forkJoin, from, map, of, switchMap, toArray, type Observable, type SchedulerLike } from "rxjs";
import type { ListMemory } from "../lists/list-memory.js";
import type { ListSaver } from "../lists/list-saver.js";
import type { ListToSave } from "../lists/save-lists.js";
import type { KnownList, SavedLists } from "../lists/saved-lists.js";
import type { RefusedPart } from "../keys/unverified-list.js";
import { USERS_AT_A_TIME } from "../model/batch-sizes.js";
import type { UserId } from "../model/ids.js";
import { inPartsOf } from "../model/in-parts.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceList } from "../trust/device-list.js";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import { planVerification, type UnsignedDevices, type Verification } from "../trust/verify-list.js";
import { unreachable, type Answer } from "./answer.js";
import type { ParsedResponse, ParsedUser } from "./parse-response.js";
import type { SentQuery } from "./query-request.js";
import { verifyAll } from "./verify-all.js";

const NO_LISTS: ReadonlyMap<UserId, KnownList> = new Map();

/** What processing a response needs. */
export interface ProcessPorts {
  readonly ownUserId: UserId;
  readonly unsignedDevices: UnsignedDevices;
  readonly memory: ListMemory;
  readonly lists: SavedLists;
  readonly saver: ListSaver;
  readonly verifier: SignatureVerifier;
  /** How long the verifier is waited for, in ms. */
  readonly deadline: number;
  readonly scheduler: SchedulerLike;
  readonly report: (problem: TrackerProblem) => void;
}

/**
 * Turns a response into answers:
 *
 * 1. It is parsed, and its signatures are verified, except those of devices that are known. A change that arrives in
 *    the meantime supersedes it like one that arrives while it is on the wire.
 * 2. A list is saved if its user was tracked and no change arrived since the query was sent. Its pins are saved in any
 *    case.
 * 3. Callers get it in any case. For a user who was not reached, they get the last list that is known; nothing that the
 *    response says of such a user is used or pinned.
 */
export function processResponse(
  response: ParsedResponse,
  query: SentQuery,
  ports: ProcessPorts,
): Observable<ReadonlyMap<UserId, Answer>> {
  const { lists, saver } = ports;
  return from(inPartsOf(USERS_AT_A_TIME, [...query.revisions.keys()])).pipe(
    concatMap((userIds) => parseAndVerify(userIds, response, ports)),
    toArray(),
    switchMap((portionsOfUsers) => {
      const users = portionsOfUsers.flat();
      for (const user of users) reportRefusals(user, ports);
      const reached = users.filter(isReached);
      const others = users.flatMap((user) => (isReached(user) ? [] : [user.userId]));
      const known$ = others.length === 0 ? of(NO_LISTS) : lists.lastKnown(others);
      return forkJoin([saver.save(toSave(reached, query, ports)), known$]).pipe(
        map(([decided, known]) => {
          const answerFor = ({ userId, fetchedAt }: ReadUser): Answer => {
            const one = decided.get(userId);
            if (one === undefined) return unreachable(userId, known.get(userId)?.list, fetchedAt);
            const superseded = one.refused || query.isSuperseded(userId);
            return { userId, list: one.list, revision: query.revisions.get(userId), superseded, reachable: true };
          };
          return new Map(users.map((user) => [user.userId, answerFor(user)]));
        }),
      );
    }),
  );
}

/** One user's part of a response. */
interface ReadUser {
  readonly userId: UserId;
  readonly fetchedAt: number;
  readonly refusals: readonly RefusedPart[];
  /** The verified list; `undefined` if the user was not reached. */
  readonly list: DeviceList | undefined;
}

type ReachedUser = ReadUser & { readonly list: DeviceList };

const isReached = (user: ReadUser): user is ReachedUser => user.list !== undefined;

function toSave(
  users: readonly ReachedUser[],
  query: SentQuery,
  { unsignedDevices }: ProcessPorts,
): ReadonlyMap<UserId, ListToSave> {
  return new Map(
    users.map(({ userId, list }) => {
      const revision = !query.isSuperseded(userId) ? query.revisions.get(userId) : undefined;
      return [
        userId,
        { list, revision, forced: query.isForced(userId), refusesUnsigned: unsignedDevices === "refuse" },
      ];
    }),
  );
}

function reportRefusals({ userId, refusals }: ReadUser, { report }: ProcessPorts): void {
  for (const { path, problem } of refusals) {
    const message = `/keys/query returned something unusable for ${userId} in ${path}, which was left out: ${problem}`;
    report({ type: "answer-refused", userId, path, message });
  }
}

function parseAndVerify(
  userIds: readonly UserId[],
  response: ParsedResponse,
  ports: ProcessPorts,
): Observable<readonly ReadUser[]> {
  const parsed = new Map(userIds.map((userId) => [userId, response.parseUser(userId)]));
  const reached = new Map(Array.from(parsed).filter(([, { reachable }]) => reachable));
  return plan(reached, ports).pipe(
    switchMap((planned) => verifyAll(planned, ports)),
    map((verified) =>
      Array.from(
        parsed,
        ([
          userId,
          {
            list: { fetchedAt },
            refusals: before,
          },
        ]) => {
          const { list, refusals = [] } = verified.get(userId) ?? {};
          return { userId, fetchedAt, list, refusals: [...before, ...refusals] };
        },
      ),
    ),
  );
}

/**
 * What is to be verified. If memory has no list to compare with, reading the saved one costs less than verifying its
 * devices again.
 */
function plan(
  parsed: ReadonlyMap<UserId, ParsedUser>,
  ports: ProcessPorts,
): Observable<ReadonlyMap<UserId, Verification>> {
  const { lists, memory } = ports;
  const planned = new Map<UserId, Verification>();
  for (const [userId, { list }] of parsed)
    planned.set(userId, planVerification(list, userId, memory.last(userId)?.list, ports));
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
          if (list !== undefined) planned.set(userId, planVerification(list, userId, before, ports));
        }
        return planned;
      }),
    );
}
