import { catchError, defer, forkJoin, map, of, switchMap, take, throwError, throwIfEmpty, timeout, type Observable, type SchedulerLike } from "rxjs";
import type { FetchedList } from "../keys/parse-answer.js";
import type { SignatureVerifier } from "../keys/signature-verifier.js";
import { planVerification, type UnsignedDevices, type Verification, type Verified } from "../keys/verify-list.js";
import { VerificationFailedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { TrackerProblem } from "../model/problems.js";
import type { ListToSave } from "../store/save-lists.js";
import type { Answer } from "./answer.js";
import type { DeviceLists } from "./device-lists.js";
import type { ListMemory } from "./list-memory.js";
import type { ListSaver } from "./list-saver.js";
import type { SentQuery } from "./query-request.js";

/** What is allowed for each signature where they are many, in ms: JavaScript on a slow phone takes some. */
const TIME_PER_SIGNATURE = 5;

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
 * 1. Its signatures are verified, apart from those of devices that are known already. A change that comes meanwhile supersedes it like one that is still on the wire.
 * 2. A list is saved where its user was tracked, their server answered, and no change has come since the query was sent. What it pins is saved in any case.
 * 3. To callers it goes in any case. A user whose server did not answer gets the last list we had beside it.
 */
export function settle(fetched: ReadonlyMap<UserId, FetchedList>, request: SentQuery, ports: SettlePorts): Observable<ReadonlyMap<UserId, Answer>> {
  const { lists, saver, report } = ports;
  return plan(fetched, ports).pipe(
    switchMap((planned) => verify(planned, ports)),
    switchMap((verified) => {
      const toSave = new Map<UserId, ListToSave>();
      const unreachable: UserId[] = [];
      for (const [userId, { list, refusals }] of verified) {
        const { reachable = false, refusals: before = [] } = fetched.get(userId) ?? {};
        if (!reachable) unreachable.push(userId);
        toSave.set(userId, { list, refusesUnsigned: ports.unsignedDevices === "refuse", revision: reachable && !request.isSuperseded(userId) ? request.revisions.get(userId) : undefined });
        for (const { path, problem } of [...before, ...refusals]) {
          report({ type: "answer-refused", userId, path, message: `/keys/query gave ${userId} something unusable in ${path}, which was left out: ${problem}` });
        }
      }
      return forkJoin([saver.save(toSave), unreachable.length === 0 ? of(new Map<UserId, never>()) : lists.lastKnown(unreachable)]);
    }),
    map(([saved, known]) => {
      const answers = new Map<UserId, Answer>();
      for (const [userId, { list, refused }] of saved) {
        const lastKnown = known.get(userId)?.list;
        answers.set(userId, {
          userId,
          list,
          revision: request.revisions.get(userId),
          superseded: refused || request.isSuperseded(userId),
          reachable: fetched.get(userId)?.reachable === true,
          ...(lastKnown !== undefined && { lastKnown }),
        });
      }
      return answers;
    }),
  );
}

/** What there is to verify. Where a list that memory has says nothing of a user's devices, the saved one may: reading it costs less than verifying them again. */
function plan(fetched: ReadonlyMap<UserId, FetchedList>, ports: SettlePorts): Observable<ReadonlyMap<UserId, Verification>> {
  const { lists, memory } = ports;
  const planned = new Map<UserId, Verification>();
  for (const [userId, { list }] of fetched) planned.set(userId, planVerification(list, userId, memory.last(userId)?.list, ports));
  const toRead = Array.from(planned).flatMap(([userId, { checks }]) => (checks.length > 0 && memory.last(userId) === undefined ? [userId] : []));
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

/** All signatures of an answer in one go, and what follows for each user. */
function verify(planned: ReadonlyMap<UserId, Verification>, { verifier, deadline, scheduler }: SettlePorts): Observable<ReadonlyMap<UserId, Verified>> {
  const checks = Array.from(planned.values()).flatMap((plan) => plan.checks);
  const holds$ =
    checks.length === 0
      ? of([])
      : defer(() => verifier.verify(checks)).pipe(
          throwIfEmpty(() => new Error("it completed without an outcome")),
          timeout({ first: Math.min(Math.max(deadline, checks.length * TIME_PER_SIGNATURE), MAX_DELAY), scheduler, with: () => throwError(() => new Error(`it did not answer within ${deadline} ms`)) }),
          take(1),
          catchError((cause: unknown) => throwError(() => new VerificationFailedError(checks.length, { cause }))),
        );
  return holds$.pipe(
    map((holds) => {
      let next = 0;
      return new Map(
        Array.from(planned, ([userId, { checks: { length }, conclude }]) => {
          next += length;
          return [userId, conclude(holds.slice(next - length, next))];
        }),
      );
    }),
  );
}
