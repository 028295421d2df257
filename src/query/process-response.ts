import {
  catchError,
  concatMap,
  defer,
  forkJoin,
  from,
  map,
  of,
  switchMap,
  take,
  throwError,
  throwIfEmpty,
  timeout,
  toArray,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import type { ParsedResponse, ParsedUser } from "./parse-response.js";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import { planVerification, type UnsignedDevices, type Verification, type Verified } from "../trust/verify-list.js";
import { VerificationFailedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { TrackerProblem } from "../model/problems.js";
import type { ListToSave } from "../lists/save-lists.js";
import type { Answer } from "./answer.js";
import type { DeviceLists, KnownList } from "../lists/device-lists.js";
import type { ListMemory } from "../lists/list-memory.js";
import type { ListSaver } from "../lists/list-saver.js";
import type { SentQuery } from "./query-request.js";

/** Users whose part of an answer is read and verified at a time. A verifier that lets the page go on in between makes each such portion a task of its own. */
export const USERS_AT_A_TIME = 25;
/** What is allowed for each signature where they are many, in ms: JavaScript on a slow phone takes some. */
const TIME_PER_SIGNATURE = 5;

const NOBODY: ReadonlyMap<UserId, KnownList> = new Map();

/** What settling an answer needs of the tracker. */
export interface SettlePorts {
  readonly memory: ListMemory;
  readonly lists: DeviceLists;
  readonly saver: ListSaver;
  readonly verifier: SignatureVerifier;
  readonly ownUserId: UserId;
  readonly unsignedDevices: UnsignedDevices;
  /** How long the verifier is waited for, in ms. */
  readonly deadline: number;
  readonly scheduler: SchedulerLike;
  readonly report: (problem: TrackerProblem) => void;
}

/**
 * What becomes of an answer:
 *
 * 1. It is read, and its signatures are verified, apart from those of devices that are known already. A change that comes meanwhile supersedes it like one that is still on the wire.
 * 2. A list is saved where its user was tracked, their server answered, and no change has come since the query was sent. What it pins is saved in any case.
 * 3. To callers it goes in any case. A user whose server did not answer gets the last list we had beside it.
 */
export function settle(
  answered: ParsedResponse,
  request: SentQuery,
  ports: SettlePorts,
): Observable<ReadonlyMap<UserId, Answer>> {
  const { lists, saver, report } = ports;
  return from(portions([...request.revisions.keys()])).pipe(
    concatMap((userIds) => readAndVerify(userIds, answered, ports)),
    toArray(),
    switchMap((verified) => {
      const toSave = new Map<UserId, ListToSave>();
      const unreachable = new Set<UserId>();
      for (const { userId, list, reachable, refusals } of verified.flat()) {
        if (!reachable) unreachable.add(userId);
        toSave.set(userId, {
          list,
          refusesUnsigned: ports.unsignedDevices === "refuse",
          revision: reachable && !request.isSuperseded(userId) ? request.revisions.get(userId) : undefined,
        });
        for (const { path, problem } of refusals) {
          report({
            type: "answer-refused",
            userId,
            path,
            message: `/keys/query gave ${userId} something unusable in ${path}, which was left out: ${problem}`,
          });
        }
      }
      const known$ = unreachable.size === 0 ? of(NOBODY) : lists.lastKnown([...unreachable]);
      return forkJoin([saver.save(toSave), known$]).pipe(map(([saved, known]) => ({ saved, known, unreachable })));
    }),
    map(({ saved, known, unreachable }) => {
      const answers = new Map<UserId, Answer>();
      for (const [userId, { list, refused }] of saved) {
        const lastKnown = known.get(userId)?.list;
        answers.set(userId, {
          userId,
          list,
          revision: request.revisions.get(userId),
          superseded: refused || request.isSuperseded(userId),
          reachable: !unreachable.has(userId),
          ...(lastKnown !== undefined && { lastKnown }),
        });
      }
      return answers;
    }),
  );
}

/** One user's part of an answer, verified. */
interface VerifiedPart extends Verified {
  readonly userId: UserId;
  readonly reachable: boolean;
}

function readAndVerify(
  userIds: readonly UserId[],
  answered: ParsedResponse,
  ports: SettlePorts,
): Observable<readonly VerifiedPart[]> {
  const fetched = new Map(userIds.map((userId) => [userId, answered(userId)]));
  return plan(fetched, ports).pipe(
    switchMap((planned) => verify(planned, ports)),
    map((verified) =>
      Array.from(verified, ([userId, { list, refusals }]) => {
        const { reachable = false, refusals: before = [] } = fetched.get(userId) ?? {};
        return { userId, list, reachable, refusals: [...before, ...refusals] };
      }),
    ),
  );
}

function portions(userIds: readonly UserId[]): readonly (readonly UserId[])[] {
  return Array.from({ length: Math.ceil(userIds.length / USERS_AT_A_TIME) }, (_, i) =>
    userIds.slice(i * USERS_AT_A_TIME, (i + 1) * USERS_AT_A_TIME),
  );
}

/** What there is to verify. Where a list that memory has says nothing of a user's devices, the saved one may: reading it costs less than verifying them again. */
function plan(
  fetched: ReadonlyMap<UserId, ParsedUser>,
  ports: SettlePorts,
): Observable<ReadonlyMap<UserId, Verification>> {
  const { lists, memory } = ports;
  const planned = new Map<UserId, Verification>();
  for (const [userId, { list }] of fetched)
    planned.set(userId, planVerification(list, userId, memory.last(userId)?.list, ports));
  const toRead = Array.from(planned).flatMap(([userId, { checks }]) =>
    checks.length > 0 && memory.last(userId) === undefined ? [userId] : [],
  );
  if (toRead.length === 0) return of(planned);
  return lists.lastKnown(toRead).pipe(
    map((known) => {
      for (const [userId, { list }] of known) {
        const answered = fetched.get(userId)?.list;
        if (answered !== undefined) planned.set(userId, planVerification(answered, userId, list, ports));
      }
      return planned;
    }),
  );
}

/** All signatures of a portion in one go, and what follows for each user. */
function verify(
  planned: ReadonlyMap<UserId, Verification>,
  { verifier, deadline, scheduler }: SettlePorts,
): Observable<ReadonlyMap<UserId, Verified>> {
  const checks = Array.from(planned.values()).flatMap((plan) => plan.checks);
  const holds$ =
    checks.length === 0
      ? of([])
      : defer(() => verifier.verify(checks)).pipe(
          throwIfEmpty(() => new Error("it completed without an outcome")),
          timeout({
            first: Math.min(Math.max(deadline, checks.length * TIME_PER_SIGNATURE), MAX_DELAY),
            scheduler,
            with: () => throwError(() => new Error(`it did not answer within ${deadline} ms`)),
          }),
          take(1),
          catchError((cause: unknown) => throwError(() => new VerificationFailedError(checks.length, { cause }))),
        );
  return holds$.pipe(
    map((holds) => {
      let next = 0;
      return new Map(
        Array.from(
          planned,
          ([
            userId,
            {
              checks: { length },
              conclude,
            },
          ]) => {
            next += length;
            return [userId, conclude(holds.slice(next - length, next))];
          },
        ),
      );
    }),
  );
}
