import {
  catchError,
  EMPTY,
  expand,
  map,
  type Observable,
  of,
  type SchedulerLike,
  switchMap,
  takeLast,
  throwError,
} from "rxjs";
import type { UserId } from "../model/ids.js";
import type { KeysQuerySections } from "../model/keys-query-sections.js";
import type { KeysQueryResponse } from "../model/wire.js";

/** How many requests for parts of one query are sent at most. One failing user among 250 takes 16. */
const MAX_PARTS = 32;

export interface FailedQuery {
  readonly userIds: readonly UserId[];
  readonly error: unknown;
  /** No part is requested after this time, in ms since the epoch. */
  readonly until: number;
}

export interface PartQueries {
  readonly query: (userIds: readonly UserId[]) => Observable<KeysQuerySections>;
  /** Returns true if the failure may be due to one of the users. */
  readonly isServerFailure: (error: unknown) => boolean;
  readonly scheduler: SchedulerLike;
}

/**
 * Queries the users of a failed query in parts, so that a user for which the homeserver fails does not affect the
 * others.
 *
 * ```
 * A B C D     500
 * (no user)   200    not the homeserver as a whole
 * A B         200
 * C D         500
 * C           200
 * D           500    unanswered: [D]
 * ```
 *
 * The larger parts come first. Users that are still in a failed part when time or requests run out are unanswered as
 * well. Fails with the error of the query if the homeserver also fails without users, and with any other error of a
 * part.
 */
export function queryInParts(
  { userIds, error, until }: FailedQuery,
  { query, isServerFailure, scheduler }: PartQueries,
): Observable<KeysQueryResponse> {
  const isOver = ({ pending, requests }: Progress): boolean =>
    pending.length === 0 || requests === MAX_PARTS || scheduler.now() > until;

  const proceed = ({ pending: [part = [], ...others], answers, unanswered, requests: before }: Progress) => {
    const requests = before + 1;
    return query(part).pipe(
      map((answer): Progress => ({ pending: others, answers: [...answers, answer], unanswered, requests })),
      catchError((thrown: unknown) =>
        isServerFailure(thrown)
          ? of(withFailed(part, { pending: others, answers, unanswered, requests }))
          : throwError(() => thrown),
      ),
    );
  };

  if (scheduler.now() > until) return throwError(() => error);
  return query([]).pipe(
    catchError(() => throwError(() => error)),
    switchMap(() => of(withFailed(userIds, { pending: [], answers: [], unanswered: [], requests: 0 }))),
    expand((progress) => (isOver(progress) ? EMPTY : proceed(progress))),
    takeLast(1),
    map(({ pending, answers, unanswered }) => merged(answers, [...unanswered, ...pending.flat()])),
  );
}

interface Progress {
  readonly pending: readonly (readonly UserId[])[];
  readonly answers: readonly KeysQuerySections[];
  readonly unanswered: readonly UserId[];
  readonly requests: number;
}

function withFailed(part: readonly UserId[], progress: Progress): Progress {
  const { pending, unanswered } = progress;
  if (part.length <= 1) return { ...progress, unanswered: [...unanswered, ...part] };
  const middle = Math.ceil(part.length / 2);
  return { ...progress, pending: [...pending, part.slice(0, middle), part.slice(middle)] };
}

function merged(answers: readonly KeysQuerySections[], unanswered: readonly UserId[]): KeysQueryResponse {
  const section = (name: keyof KeysQuerySections) =>
    Object.fromEntries(answers.flatMap((answer) => Object.entries(answer[name])));
  const sections: KeysQuerySections = {
    device_keys: section("device_keys"),
    failures: section("failures"),
    master_keys: section("master_keys"),
    self_signing_keys: section("self_signing_keys"),
    user_signing_keys: section("user_signing_keys"),
  };
  return { ...(sections as KeysQueryResponse), ...(unanswered.length > 0 && { unanswered }) };
}
