import { concatMap, forkJoin, from, map, of, switchMap, toArray, type Observable, type SchedulerLike } from "rxjs";
import type { ListMemory } from "../lists/list-memory.js";
import type { ListSaver } from "../lists/list-saver.js";
import type { ListToSave } from "../lists/save-lists.js";
import type { KnownList, SavedLists } from "../lists/saved-lists.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import { planVerification, type UnsignedDevices, type Verification, type Verified } from "../trust/verify-list.js";
import type { Answer } from "./answer.js";
import type { ParsedResponse, ParsedUser } from "./parse-response.js";
import type { SentQuery } from "./query-request.js";
import { verifyAll } from "./verify-all.js";

/**
 * Users of a response who are parsed and verified at a time. A verifier that lets the page go on in between makes each
 * such portion a task of its own.
 */
export const USERS_AT_A_TIME = 25;

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
 * 2. A list is saved if its user was tracked, their server answered, and no change arrived since the query was sent.
 *    Its pins are saved in any case.
 * 3. Callers get it in any case. A user whose server did not answer gets the last known list with it.
 */
export function processResponse(
  response: ParsedResponse,
  query: SentQuery,
  ports: ProcessPorts,
): Observable<ReadonlyMap<UserId, Answer>> {
  const { lists, saver } = ports;
  return from(portions([...query.revisions.keys()])).pipe(
    concatMap((userIds) => parseAndVerify(userIds, response, ports)),
    toArray(),
    switchMap((portionsOfUsers) => {
      const users = portionsOfUsers.flat();
      for (const user of users) reportRefusals(user, ports);
      const unreachable = users.flatMap(({ userId, reachable }) => (reachable ? [] : [userId]));
      const known$ = unreachable.length === 0 ? of(NO_LISTS) : lists.lastKnown(unreachable);
      return forkJoin([saver.save(toSave(users, query, ports)), known$]).pipe(
        map(([decided, known]) => {
          const isUnreachable = new Set(unreachable);
          return new Map(
            Array.from(decided, ([userId, { list, refused }]): [UserId, Answer] => {
              const lastKnown = known.get(userId)?.list;
              const superseded = refused || query.isSuperseded(userId);
              const revision = query.revisions.get(userId);
              const reachable = !isUnreachable.has(userId);
              return [
                userId,
                { userId, list, revision, superseded, reachable, ...(lastKnown !== undefined && { lastKnown }) },
              ];
            }),
          );
        }),
      );
    }),
  );
}

/** One user's part of a response, verified. */
interface VerifiedUser extends Verified {
  readonly userId: UserId;
  readonly reachable: boolean;
}

function toSave(
  users: readonly VerifiedUser[],
  query: SentQuery,
  { unsignedDevices }: ProcessPorts,
): ReadonlyMap<UserId, ListToSave> {
  return new Map(
    users.map(({ userId, list, reachable }) => {
      const revision = reachable && !query.isSuperseded(userId) ? query.revisions.get(userId) : undefined;
      return [
        userId,
        { list, revision, forced: query.isForced(userId), refusesUnsigned: unsignedDevices === "refuse" },
      ];
    }),
  );
}

function reportRefusals({ userId, refusals }: VerifiedUser, { report }: ProcessPorts): void {
  for (const { path, problem } of refusals) {
    const message = `/keys/query returned something unusable for ${userId} in ${path}, which was left out: ${problem}`;
    report({ type: "answer-refused", userId, path, message });
  }
}

function portions(userIds: readonly UserId[]): readonly (readonly UserId[])[] {
  const count = Math.ceil(userIds.length / USERS_AT_A_TIME);
  return Array.from({ length: count }, (_, i) => userIds.slice(i * USERS_AT_A_TIME, (i + 1) * USERS_AT_A_TIME));
}

function parseAndVerify(
  userIds: readonly UserId[],
  response: ParsedResponse,
  ports: ProcessPorts,
): Observable<readonly VerifiedUser[]> {
  const parsed = new Map(userIds.map((userId) => [userId, response.parseUser(userId)]));
  return plan(parsed, ports).pipe(
    switchMap((planned) => verifyAll(planned, ports)),
    map((verified) =>
      Array.from(verified, ([userId, { list, refusals }]) => {
        const { reachable = false, refusals: before = [] } = parsed.get(userId) ?? {};
        return { userId, list, reachable, refusals: [...before, ...refusals] };
      }),
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
