import { AsyncSubject, concat, defer, from, ignoreElements, map, Subject, takeUntil, type Observable } from "rxjs";
import { MAX_USERS_AT_ONCE } from "../model/batch-sizes.js";
import { isUserId, type UserId } from "../model/ids.js";
import { inPartsOf } from "../model/in-parts.js";
import { departures, isFailedGap, type Commit, type UsersChange } from "../store/change.js";
import type { Outcome } from "../store/rebase.js";
import { refusedIds } from "../sync/refused-ids.js";
import { trackProblems } from "./account-problems.js";
import { applyInParts, type ChangeTargets } from "./apply-in-parts.js";
import type { AccountSettings } from "./lists-of.js";

/** Commits of other trackers that were followed while a call was waiting or in progress. */
export type HeldCall = Commit[];

export interface CallTargets extends ChangeTargets {
  readonly commit: (change: UsersChange) => Observable<Outcome>;
}

/** Applies `track()`, `untrack()` and `invalidate()`, each in its place among the steps. */
export class Calls {
  readonly #settings: AccountSettings;
  readonly #to: CallTargets;
  readonly #held = new Set<HeldCall>();
  readonly #closed$ = new Subject<never>();

  constructor(settings: AccountSettings, targets: CallTargets) {
    this.#settings = settings;
    this.#to = targets;
  }

  /** Holds a call at the gate. Its caller does not know commits of other trackers that are followed in the meantime. */
  hold(): HeldCall {
    const held: HeldCall = [];
    this.#held.add(held);
    return held;
  }

  missed(commits: readonly Commit[]): void {
    for (const held of this.#held) held.push(...commits);
  }

  /**
   * Applies a call at once. The result completes when durable.
   * @param held what {@link hold} returned when it was called: users that have left since are not tracked
   */
  apply(type: UsersChange["type"], users: readonly UserId[], held: HeldCall = []): Observable<never> {
    // Pending changes may be dropped, so a call that changes nothing for a user now may do so then.
    const { chain, outputs } = this.#to;
    const isTentative = chain.hasPending;
    return outputs.emissions.batch(() => {
      const refused = refusedIds(
        "track",
        users.filter((userId) => !isUserId(userId)),
      );
      if (refused !== undefined) outputs.report(refused);
      const concerned = users.filter((userId) => isUserId(userId) && this.#isConcerned(type, userId, isTentative));
      if (concerned.length > MAX_USERS_AT_ONCE) return this.#applyInParts(type, concerned, held);
      this.#held.delete(held);
      const lost: UserId[] = [];
      const done$ = this.#applyPart(type, concerned, held, lost);
      this.#reportLost(lost, held);
      return done$;
    });
  }

  /** Fails calls in progress, and later ones of many users. */
  close(error: Error): void {
    this.#closed$.error(error);
  }

  #applyInParts(type: UsersChange["type"], users: readonly UserId[], held: HeldCall): Observable<never> {
    const { chain } = this.#to;
    this.#held.add(held);
    const lost: UserId[] = [];
    const parts$ = from(inPartsOf(MAX_USERS_AT_ONCE, users)).pipe(
      map((part) => () => void this.#applyPart(type, part, held, lost)),
    );
    const last = () => {
      this.#held.delete(held);
      this.#reportLost(lost, held);
    };
    const applied$ = applyInParts(parts$, last, this.#to, this.#settings.scheduler);
    const durable$ = defer(() => chain.settled().pipe(ignoreElements()));
    const done$ = new AsyncSubject<never>();
    concat(applied$, durable$).pipe(takeUntil(this.#closed$)).subscribe(done$); // goes on when its caller unsubscribes
    return done$;
  }

  #isConcerned(type: UsersChange["type"], userId: UserId, isTentative: boolean): boolean {
    const isTracked = this.#to.tracking.get(userId) !== undefined;
    const isOwn = userId === this.#settings.userId;
    return (isTentative || isTracked === (type !== "track")) && !(type === "untrack" && isOwn);
  }

  /** @param lost receives users that have left since the call and are not tracked */
  #applyPart(type: UsersChange["type"], users: readonly UserId[], held: HeldCall, lost: UserId[]): Observable<never> {
    const { chain, commit } = this.#to;
    const hasLeft = departures(held);
    const isLost = (userId: UserId) => type === "track" && hasLeft(userId);
    const concerned = users.filter((userId) => !isLost(userId));
    lost.push(...users.filter(isLost));
    const outcome$ = concerned.length === 0 ? chain.settled() : commit({ type, users: concerned });
    chain.commitPending();
    return outcome$.pipe(ignoreElements());
  }

  #reportLost(lost: readonly UserId[], held: HeldCall): void {
    const { chain, outputs } = this.#to;
    if (held.some(isFailedGap)) outputs.reportAll(trackProblems(lost, chain.clone.token));
  }
}
