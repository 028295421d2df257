import { concat, defer, EMPTY, from, map, of, Subject, takeUntil, type Observable } from "rxjs";
import { isEmptyStep, type Change, type SyncStep } from "../store/change.js";
import { rebased, type Outcome } from "../store/rebase.js";
import { closeGap, placeStep, type Placement, type Standing } from "../sync/gap-recovery.js";
import { parsePart, parseStep, partToChange, toChange, type ParsedStep } from "../sync/parse-step.js";
import type { PassedTokens } from "../sync/passed-tokens.js";
import { stepProblems } from "./account-problems.js";
import { applyInParts, type ChangeTargets } from "./apply-in-parts.js";
import type { Connection } from "./connection.js";
import type { Extensions } from "./extensions.js";
import type { AccountSettings } from "./lists-of.js";
import type { Siblings } from "./siblings.js";

export interface StepTargets extends ChangeTargets {
  readonly passed: PassedTokens;
  readonly siblings: Siblings;
  readonly extensions: Extensions;
  /** Applies a change in memory and marks what it supersedes. {@link Chain.commitPending} begins its commit. */
  readonly commit: (change: Change) => Observable<Outcome>;
}

/**
 * Applies sync responses, one after the other.
 *
 *     response ─▶ parse ─▶ place ─┬─ next ─▶ memory, queries, commit ─▶ emissions
 *                                 ├─ past ─▶ already applied
 *                                 ├─ late ─▶ the users it names become outdated
 *                                 └─ gap ──▶ close the gate, find what is missing, apply, open it
 */
export class Steps {
  readonly #settings: AccountSettings;
  readonly #to: StepTargets;
  readonly #closed$ = new Subject<void>();

  constructor(settings: AccountSettings, targets: StepTargets) {
    this.#settings = settings;
    this.#to = targets;
  }

  /** Applies a response after all earlier ones. */
  receive(response: unknown, connection: Connection): void {
    const { chain, outputs } = this.#to;
    const parsed = parseStep(response, this.#settings.userId);
    const isFirst = connection.isFresh;
    // A response without a known `since` follows the previous one.
    const step = parsed.since === undefined && !isFirst ? { ...parsed, since: connection.token } : parsed;
    // A subscriber that is notified in the middle of a step, and causes the next one, must find this one complete.
    outputs.emissions.batch(() => {
      outputs.reportAll(stepProblems(step));
      if (step.next !== undefined) connection.responded(step.next);
      const placement = placeStep(step, this.#standing(isFirst));
      if (placement === "gap" || step.parts.length > 0) this.#applyInParts(step, isFirst, connection);
      else this.#applyPlaced(step, placement, connection);
      chain.commitPending();
    });
  }

  close(): void {
    this.#closed$.next();
  }

  #standing(isFirst: boolean): Standing {
    const { chain, passed } = this.#to;
    return { token: chain.clone.token, passed, isFirst };
  }

  #applyPlaced(step: ParsedStep, placement: Exclude<Placement, "gap">, connection: Connection): void {
    const { chain, siblings, extensions, commit } = this.#to;
    if (placement === "late") {
      const late = { ...toChange(step, step.since ?? undefined), ...extensions.read(step.response) };
      this.#respond(step, this.#applyLate(late), connection);
      return;
    }
    const { token } = chain.clone;
    // Lists that were fetched before an account's first token may be older than it.
    const isInitial = token === undefined && step.next !== undefined;
    const change: SyncStep = {
      ...toChange(step, token),
      ...(isInitial && { everyone: "outdated" }),
      ...(placement === "next" && extensions.read(step.response)),
    };
    const isNews = placement === "next" && !isEmptyStep(change);
    siblings.stepApplied(isNews);
    this.#respond(step, isNews ? commit(change) : chain.tokenSettled(), connection);
  }

  #respond({ response }: ParsedStep, outcome$: Observable<Outcome>, connection: Connection): void {
    if (response === undefined) return;
    const { outputs, siblings } = this.#to;
    outputs.responses.applied(response, outcome$);
    siblings.caughtUp(connection);
  }

  /** Applies a step after a gap, or a long one. */
  #applyInParts(step: ParsedStep, isFirst: boolean, connection: Connection): void {
    // The step that closes the gap before an initial sync also stands for that sync, so it takes its events.
    const withEvents = (part: SyncStep): SyncStep =>
      part.isGap === true && step.since === null ? { ...part, ...this.#to.extensions.read(step.response) } : part;
    const missing$ = this.#missingBefore(step, isFirst).pipe(map((part) => () => withEvents(part)));
    const before$ = concat(
      missing$,
      defer(() => this.#partsOf(step)),
    );
    const parts$ = before$.pipe(map((toPart) => () => void this.#applyLate(toPart())));
    const last = () => {
      this.#applyAfterGap(step, connection);
    };
    applyInParts(parts$, last, this.#to, this.#settings.scheduler)
      .pipe(takeUntil(this.#closed$))
      .subscribe({
        error: () => {
          this.#to.chain.storeCleared();
        },
      });
  }

  #missingBefore(step: ParsedStep, isFirst: boolean): Observable<SyncStep> {
    const { keysApi, gaps, userId: ownUserId, scheduler, queryDeadline: deadline } = this.#settings;
    const { chain, outputs } = this.#to;
    if (placeStep(step, this.#standing(isFirst)) !== "gap") return EMPTY;
    return closeGap(step, {
      ownUserId,
      catchUp: () => chain.synchronize(),
      standing: () => this.#standing(isFirst),
      changes: gaps === "ask" ? (range) => keysApi.changes(range) : undefined,
      scheduler,
      deadline,
      report: outputs.report,
    });
  }

  /** Emits a long step's users in parts that move no token; each part is parsed when it is called. */
  #partsOf(step: ParsedStep): Observable<() => SyncStep> {
    if (step.parts.length === 0 || placeStep(step, this.#standing(false)) === "past") return EMPTY;
    return from(step.parts).pipe(
      map((part) => () => {
        const parsed = parsePart(part, this.#settings.userId);
        this.#to.outputs.reportAll(stepProblems(parsed));
        return partToChange(parsed, step.since ?? undefined);
      }),
    );
  }

  /**
   * Applies the step after the gap. If it is still not the next one, another tab has moved on: the users it names
   * become outdated, and the next response decides.
   */
  #applyAfterGap(step: ParsedStep, connection: Connection): void {
    const placement = placeStep(step, this.#standing(false));
    this.#applyPlaced(step, placement === "gap" ? "late" : placement, connection);
  }

  #applyLate(step: SyncStep): Observable<Outcome> {
    const { chain, extensions, commit } = this.#to;
    const change = rebased(step, chain.clone, { hasLeft: () => false, late: extensions.late });
    return typeof change === "string" ? of(change) : commit(change);
  }
}
