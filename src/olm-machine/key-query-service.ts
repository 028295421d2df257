import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  endWith,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  take,
  tap,
  throwError,
  type Observable,
} from "rxjs";
import { StoreClearedError, StoreOwnerError, TrackerClosedError } from "../model/errors.js";
import { isUserId, type UserId } from "../model/ids.js";
import { inPartsOf } from "../model/in-parts.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import { free } from "./free.js";
import { keyQueriesIn, type KeyQuery } from "./key-queries.js";
import { giveLists, UNASKED } from "./lists-to-give.js";
import { machineUserIds } from "./machine-user-ids.js";
import type { KeyQueryMachine } from "./machine.js";
import type { Retries } from "./retries.js";
import type { ServedKeys } from "./served-keys.js";
import type { ServedUsers } from "./served-users.js";
import type { ServingTracker } from "./serving-tracker.js";
import type { RefusedDevices } from "./to-response.js";

/** How many users that the machine has not asked for are in one answer: as many as it asks for at once itself. */
const MAX_UNASKED = 250;
/** Queries that are looked up at the same time. */
const MAX_LOOKUPS = 4;

/** The result of looking up a query's users. */
interface LookedUp {
  readonly query: KeyQuery;
  readonly answers: DeviceKeysByUser;
  /** Why answers are missing. */
  readonly error?: unknown;
}

/** Gives a machine the lists that it asks for, and those that it must have without asking. */
export class KeyQueryService {
  readonly #machine: KeyQueryMachine;
  readonly #tracker: ServingTracker;
  readonly #users: ServedUsers;
  readonly #retries: Retries;
  readonly #refused: RefusedDevices;
  #hasBegun = false;

  constructor(
    machine: KeyQueryMachine,
    tracker: ServingTracker,
    users: ServedUsers,
    retries: Retries,
    refused: RefusedDevices,
  ) {
    this.#machine = machine;
    this.#tracker = tracker;
    this.#users = users;
    this.#retries = retries;
    this.#refused = refused;
  }

  /** Serves everything that is due. Afterwards the machine may ask for more, or for the same again. */
  round(moreIsDue: () => void): Observable<ServedKeys> {
    return defer(() => this.#addTracked()).pipe(
      concatMap(() => this.#machine.outgoingRequests()),
      map((requests) => {
        const queries = keyQueriesIn(requests);
        for (const request of requests) free(request); // the application gets its own
        return queries;
      }),
      concatMap((asking) => this.#findDeparted(asking).pipe(endWith(asking))),
      mergeMap((asking) => {
        const { queries, inVain } = this.#due(asking);
        if (queries.length > 0) moreIsDue();
        const served$ = from(queries).pipe(
          mergeMap((query) => this.#lookUp(query), MAX_LOOKUPS),
          concatMap((lookedUp) => this.#give(lookedUp)),
        );
        return concat(this.#failed(inVain, undefined), served$);
      }),
    );
  }

  #addTracked(): Promise<unknown> | Observable<unknown> {
    const added = this.#users.takeAdded();
    return added.length === 0 ? of(undefined) : this.#machine.updateTrackedUsers(machineUserIds(this.#machine, added));
  }

  /**
   * Once: finds users that the machine has been asking for since they left. They are not tracked, but their keys are
   * known; other untracked users are new.
   */
  #findDeparted(asking: readonly KeyQuery[]): Observable<never> {
    if (this.#hasBegun) return EMPTY;
    this.#hasBegun = true;
    const strangers = asking.flatMap(({ userIds }) => userIds.filter((userId) => this.#isStranger(userId)));
    return from(strangers).pipe(
      mergeMap((userId) => {
        const history$ = this.#tracker.keyHistory(userId).pipe(catchError(() => EMPTY)); // the lookup fails, too
        return history$.pipe(
          tap((history) => {
            if (history.length > 0) this.#users.leftBefore(userId);
          }),
        );
      }, MAX_LOOKUPS),
      ignoreElements(),
    );
  }

  #isStranger(userId: UserId): boolean {
    return isUserId(userId) && !this.#users.isTracked(userId);
  }

  #due(asking: readonly KeyQuery[]): { readonly queries: readonly KeyQuery[]; readonly inVain: readonly UserId[] } {
    const asked = new Set(asking.flatMap(({ userIds }) => userIds));
    const unasked = this.#users.wanted.filter((userId) => !asked.has(userId));
    this.#retries.keepOnly(new Set([...asked, ...unasked]));
    const inVain: UserId[] = [];
    const isDue = (userId: UserId) => {
      if (this.#users.isGone(userId) || this.#retries.isWaiting(userId)) return false;
      const mayTry = this.#retries.mayTry(userId);
      if (!mayTry) inVain.push(userId);
      return mayTry;
    };
    const unaskedQueries = inPartsOf(MAX_UNASKED, unasked).map((userIds) => ({ requestId: UNASKED, userIds }));
    const queries = [...asking, ...unaskedQueries]
      .map(({ requestId, userIds }) => ({ requestId, userIds: userIds.filter(isDue) }))
      .filter(({ userIds }) => userIds.length > 0);
    return { queries, inVain };
  }

  #lookUp(query: KeyQuery): Observable<LookedUp> {
    const { userIds } = query;
    const strangers = userIds.filter((userId) => this.#isStranger(userId));
    const answers$ = defer(() => {
      this.#users.lookupBegins(userIds);
      return this.#tracker.getDeviceKeys(userIds);
    });
    // Tracking takes effect at once; unsubscribing does not cancel it.
    return merge(strangers.length === 0 ? EMPTY : this.#tracker.track(strangers), answers$).pipe(
      take(1),
      map((answers) => ({ query, answers: answers as DeviceKeysByUser })),
      catchError((error: unknown) => {
        if (isFinal(error)) return throwError(() => error);
        // Other requests of the same lookup may have succeeded.
        return this.#tracker.getKnownDeviceKeys(userIds).pipe(map((answers) => ({ query, answers, error })));
      }),
      // The tracker fails what is pending before its streams complete.
      catchError((error: unknown) => (error instanceof TrackerClosedError ? EMPTY : throwError(() => error))),
      tap(() => {
        this.#users.lookupEnds(userIds);
      }),
    );
  }

  /**
   * Gives the machine what is still valid. A user that is `superseded`, or was announced since the lookup, is looked up
   * again in the next round.
   */
  #give({ query: { requestId, userIds }, answers, error }: LookedUp): Observable<ServedKeys> {
    const lists = new Map<UserId, UserDeviceKeys | undefined>();
    const unreachable: UserId[] = [];
    const failed: UserId[] = [];
    for (const userId of userIds) {
      const keys = answers.get(userId);
      if (!this.#users.isAnswerValid(userId)) continue;
      if (!isUserId(userId)) lists.set(userId, undefined);
      else if (keys?.freshness === "current") lists.set(userId, keys);
      else if (keys?.freshness === "unreachable") unreachable.push(userId);
      else if (error !== undefined) failed.push(userId);
    }
    const given$ =
      lists.size + unreachable.length === 0
        ? of(new Map<UserId, unknown>())
        : from(giveLists(this.#machine, { requestId, lists, unreachable, refused: this.#refused }));
    return given$.pipe(
      mergeMap((refused) => {
        const given = Array.from(lists.keys()).filter((userId) => !refused.has(userId));
        this.#users.given(given);
        this.#retries.succeeded(given);
        return concat(
          given.length === 0 ? EMPTY : of<ServedKeys>({ type: "given", userIds: given }),
          this.#failed(unreachable, undefined),
          this.#failed(failed, error),
          ...Array.from(refused, ([userId, reason]) => this.#failed([userId], reason)),
        );
      }),
    );
  }

  #failed(userIds: readonly UserId[], error: unknown): Observable<ServedKeys> {
    if (userIds.length === 0) return EMPTY;
    return defer(() => {
      const retryIn = this.#retries.failed(userIds, error);
      return of<ServedKeys>({ type: "failed", userIds, ...(error !== undefined && { error }), retryIn });
    });
  }
}

/** True if the lists can no longer be read, either. */
const isFinal = (error: unknown): boolean =>
  error instanceof TrackerClosedError || error instanceof StoreOwnerError || error instanceof StoreClearedError;
