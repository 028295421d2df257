import { ignoreElements, of, Subject, Subscription, toArray, type Observable } from "rxjs";
import { compactIndex } from "../lists/compact-index.js";
import { StoreClearedError } from "../model/errors.js";
import { isUserId, type UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { News } from "../store/announcement.js";
import { Chain } from "../store/chain.js";
import { isEmptyStep, type Change, type Commit, type SyncStep } from "../store/change.js";
import { departures, rebased, type Outcome } from "../store/rebase.js";
import type { DeviceStore } from "../store/device-store.js";
import type { SavedAccount } from "../store/load.js";
import { effectsSince, type Before } from "../store/tracked-users.js";
import { closeGap, placeStep, type Placement, type Standing } from "../sync/gap-recovery.js";
import { parseStep, toChange, type ParsedStep } from "../sync/parse-step.js";
import { PassedTokens } from "../sync/passed-tokens.js";
import { refusedIds } from "../sync/refused-ids.js";
import { Tracking } from "../sync/tracking.js";
import { announcedChanges, stepsIn, toResponse } from "./announced-changes.js";
import type { Connection } from "./connection.js";
import { Gate } from "./gate.js";
import { listsOf, type AccountSettings, type ListParts } from "./lists-of.js";
import type { Outputs } from "./outputs.js";

/** What an account needs besides its settings. */
export interface AccountSurroundings {
  readonly outputs: Outputs;
  /** A name for this tracker that no other has. */
  readonly name: string;
  /** The gate outlives a failed load: changes that are given before the account is there wait in it. */
  readonly gate: Gate;
  readonly connection: () => Connection | undefined;
  readonly closed$: Observable<unknown>;
  readonly storeCleared: (error: StoreClearedError) => void;
}

/** Commits of other trackers that were followed while a call waited at the gate. */
export type HeldCall = Commit[];

/**
 * An account whose saved state has been read: applies changes, one after the other, and keeps everything that depends
 * on them in step.
 *
 *     response ─▶ gate ─▶ parse ─▶ place ─┬─ next ─▶ apply ─▶ memory, queries, commit ─▶ emissions
 *                                         ├─ past ─▶ it has been applied
 *                                         ├─ late ─▶ the users it names become outdated
 *                                         └─ gap ──▶ close the gate, find what is missing, apply, open it
 */
export class Account {
  readonly chain: Chain;
  readonly tracking: Tracking;
  readonly parts: ListParts;
  readonly #savedElsewhere$ = new Subject<readonly UserId[]>();
  readonly #settings: AccountSettings;
  readonly #surroundings: AccountSurroundings;
  readonly #subscriptions = new Subscription();
  readonly #passed: PassedTokens;
  readonly #held = new Set<HeldCall>();
  #isGapOpen = false;
  /** Whether commits were read that other trackers may not have heard of: the tab that made them may have crashed. */
  #mayBeUnannounced = true;
  #isAsked = false;

  constructor(account: SavedAccount, store: DeviceStore, settings: AccountSettings, surroundings: AccountSurroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    const { outputs, name, closed$ } = surroundings;
    const { scheduler } = settings;
    this.chain = new Chain(account, { store, owner: account.owner, name, scheduler }, compactIndex, {
      followed: (before, commits, isSummary) => {
        this.#followed(before, commits, isSummary);
      },
      moved: (before) => {
        this.#changed(before);
      },
      heard: (news) => {
        this.#heard(news);
      },
      reread: (read) => {
        this.parts.memory.checkOurKey(read.ourKey);
        this.reportDamage(read);
      },
      commitFailed: (error, retryIn) => {
        outputs.responses.storeFails();
        const message = `changes could not be saved; lookups go on from memory, and it is tried again in ${retryIn / 1000} s`;
        outputs.report({ type: "commit-failed", error, retryIn, message });
      },
      behind: (isBehind) => {
        this.#setDoubt(isBehind || this.#isGapOpen);
      },
      unreadable: (error) => {
        const message = "the saved state could not be read again; until it can, nothing is called current";
        outputs.report({ type: "read-failed", userIds: [], error, message });
        if (!this.#isGapOpen) this.#open(); // in doubt: lookups must not hang
      },
      cleared: () => {
        surroundings.storeCleared(new StoreClearedError());
      },
      together: (action) => {
        outputs.emissions.batch(action);
      },
    });
    this.tracking = new Tracking(this.chain.clone.users);
    this.#passed = new PassedTokens(this.chain.clone.token);
    this.parts = listsOf(this.chain, this.tracking, store, settings, outputs, { ourKey: account.ourKey, closed$ });
  }

  /** Users whose lists another tab saved. */
  get savedElsewhere$(): Observable<readonly UserId[]> {
    return this.#savedElsewhere$;
  }

  /** Follows what other trackers announce. */
  hear(announcement: unknown): void {
    this.chain.hear(announcement);
  }

  /** Applies a sync response, after those before it. */
  receive(response: unknown, connection: Connection): void {
    const { outputs } = this.#surroundings;
    const parsed = parseStep(response, this.#settings.userId);
    const isFirst = connection.isFresh;
    // One that does not say what it answered follows the one before it.
    const step = parsed.since === undefined && !isFirst ? { ...parsed, since: connection.token } : parsed;
    // A subscriber that is notified in the middle of a step, and causes the next one, must find this one complete.
    outputs.emissions.batch(() => {
      this.#reportRefusals(step);
      if (step.next !== undefined) connection.responded(step.next);
      const placement = placeStep(step, this.#standing(isFirst));
      if (placement === "gap") this.#recover(step, isFirst, connection);
      else this.#applyPlaced(step, placement, connection);
      this.chain.commitPending();
    });
  }

  /** A call waits at the gate. Commits of other trackers that are followed in the meantime, its caller does not know. */
  hold(): HeldCall {
    const held: HeldCall = [];
    this.#held.add(held);
    return held;
  }

  /**
   * Applies `track()`, `untrack()` or `invalidate()` at once. The result completes when it is durable.
   * @param held what {@link hold} returned when it was called: users who have left since are not tracked
   */
  change(type: "track" | "untrack" | "invalidate", users: readonly UserId[], held: HeldCall = []): Observable<never> {
    this.#held.delete(held);
    const { userId: ownUserId } = this.#settings;
    const hasLeft = departures(held);
    const isConcerned = (userId: UserId) =>
      (this.tracking.get(userId) !== undefined) === (type !== "track") && !(type === "untrack" && userId === ownUserId);
    return this.#surroundings.outputs.emissions.batch(() => {
      const refused = users.filter((userId) => !isUserId(userId));
      this.#reportRefusedIds("track", refused);
      const concerned = users.filter(
        (userId) => isUserId(userId) && isConcerned(userId) && !(type === "track" && hasLeft(userId)),
      );
      const outcome$ = concerned.length === 0 ? this.chain.settled() : this.#commit({ type, users: concerned });
      this.chain.commitPending();
      return outcome$.pipe(ignoreElements());
    });
  }

  /** Whether another tracker that is caught up should answer. */
  askWhetherCaughtUp(): void {
    this.chain.announce({ type: "ask" });
  }

  reportDamage({ damaged, replaced }: SavedAccount): void {
    const { report } = this.#surroundings.outputs;
    for (const [kind, ids] of damaged) {
      const lost =
        kind === "account" || kind === "log" || kind === "snapshot"
          ? "; all users but our own became untracked: call track() with the members of the encrypted rooms"
          : "";
      report({
        type: "records-damaged",
        kind,
        ids,
        message: `${ids.length} saved record(s) of kind "${kind}" cannot be trusted${lost}`,
      });
    }
    if (replaced === undefined) return;
    report({
      type: "store-replaced",
      format: replaced,
      message: `the device store had format ${replaced}, of an older version; it was replaced, and everything is fetched again`,
    });
  }

  close(error: Error): void {
    this.#subscriptions.unsubscribe();
    this.chain.close(error);
  }

  #standing(isFirst: boolean): Standing {
    return { token: this.chain.clone.token, passed: this.#passed.tokens, isFirst };
  }

  #applyPlaced(step: ParsedStep, placement: Exclude<Placement, "gap">, connection: Connection): void {
    if (placement === "late") {
      this.#respond(step, this.#applyLate(toChange(step, step.since ?? undefined)), connection);
      return;
    }
    const { token } = this.chain.clone;
    // Lists that were fetched before an account's first token may be older than it.
    const isInitial = token === undefined && step.next !== undefined;
    const change: SyncStep = { ...toChange(step, token), ...(isInitial && { everyone: "outdated" }) };
    const isNews = placement === "next" && !isEmptyStep(change);
    if (!isNews && this.#mayBeUnannounced) this.#answerCaughtUp();
    this.#mayBeUnannounced = false;
    this.#respond(step, isNews ? this.#commit(change) : this.chain.tokenSettled(), connection);
  }

  #respond({ response }: ParsedStep, outcome$: Observable<Outcome>, connection: Connection): void {
    if (response === undefined) return;
    this.#surroundings.outputs.responses.applied(response, outcome$);
    this.#caughtUp(connection);
  }

  /**
   * Applies a change in memory and marks what it supersedes. Its commit begins when all emissions that it causes are
   * enqueued: {@link Chain.commitPending}.
   */
  #commit(change: Change): Observable<Outcome> {
    const { pending, outcome$ } = this.chain.apply(change);
    this.#changed(pending.undo.before, change.type === "step" ? [change] : []);
    const next = change.type === "step" ? change.next : undefined;
    // Not a token that a rebase takes back: the next response of the same stream begins there.
    const settled = (outcome: Outcome) => {
      if (outcome === "committed" && next !== undefined) this.#passed.moveTo(next);
    };
    outcome$.subscribe({ next: settled, error: () => {} });
    return outcome$;
  }

  #changed(before: Before, steps: readonly SyncStep[] = []): void {
    const { outputs } = this.#surroundings;
    const { queries, memory } = this.parts;
    const effects = effectsSince(before, this.chain.clone);
    const announced = announcedChanges(steps, effects);
    queries.supersede(effects.invalidated);
    queries.supersede(effects.left);
    memory.forget(effects.left);
    outputs.emissions.enqueue(() => {
      queries.send();
      this.tracking.changed(effects);
      if (announced !== undefined) outputs.emitChanges(announced);
    });
  }

  #followed(before: Before, commits: readonly Commit[], isSummary: boolean): void {
    const { outputs, connection } = this.#surroundings;
    for (const held of this.#held) held.push(...commits);
    const steps = stepsIn(commits);
    for (const { next } of steps) if (next !== undefined) this.#passed.moveTo(next);
    this.#mayBeUnannounced ||= isSummary;
    this.#changed(before, steps);
    const responses = isSummary ? [toResponse(steps)] : steps.map((step) => toResponse([step]));
    for (const response of responses) if (response !== undefined) outputs.responses.committedElsewhere(response);
    const isSynced = responses.some((response) => response !== undefined);
    const current = connection();
    if (isSynced && current !== undefined) this.#caughtUp(current);
  }

  #heard(news: News): void {
    const { outputs, connection } = this.#surroundings;
    const current = connection();
    switch (news.type) {
      case "saved":
        for (const update of news.updates) outputs.updated(update);
        this.#savedElsewhere(news.lists.map(([userId]) => userId));
        break;
      case "acknowledged":
        this.#savedElsewhere([news.userId]);
        break;
      case "ask":
        this.#isAsked = true;
        if (current?.isCaughtUp === true) this.#answerCaughtUp();
        break;
      case "caught-up":
        if (current === undefined) break;
        if (news.head <= this.chain.clone.head) this.#caughtUp(current);
        else
          this.#subscriptions.add(
            this.chain.reload().subscribe({
              complete: () => {
                this.#caughtUp(current);
              },
              error: () => {},
            }),
          );
        break;
      default:
    }
  }

  /** The lists in memory may be older now, at the same revision. */
  #savedElsewhere(userIds: readonly UserId[]): void {
    const { memory, lists } = this.parts;
    const { userId: ownUserId } = this.#settings;
    memory.forget(userIds);
    const own = this.tracking.get(ownUserId);
    if (userIds.includes(ownUserId) && own?.outdated === false) {
      // Our own user-signing key decides what is verified.
      this.#subscriptions.add(lists.read(new Map([[ownUserId, own.revision]])).subscribe({ error: () => {} }));
    }
    this.#surroundings.outputs.emissions.enqueue(() => {
      this.#savedElsewhere$.next(userIds);
    });
  }

  #caughtUp(connection: Connection): void {
    if (!connection.caughtUp()) return;
    this.#surroundings.outputs.emissions.enqueue(() => {
      connection.emitCaughtUp();
    });
    if (this.#isAsked) this.#answerCaughtUp();
  }

  #answerCaughtUp(): void {
    this.#isAsked = false;
    this.chain.announce({ type: "caught-up", head: this.chain.clone.head });
  }

  /** While a gap is being closed, changes and lookups wait, and nothing is called current. */
  #recover(step: ParsedStep, isFirst: boolean, connection: Connection): void {
    const { keysApi, gaps, userId: ownUserId, scheduler, queryDeadline: deadline } = this.#settings;
    const { outputs } = this.#surroundings;
    this.#isGapOpen = true;
    this.#setDoubt(true);
    const missing$ = closeGap(step, {
      ownUserId,
      catchUp: () => this.chain.synchronize(),
      standing: () => this.#standing(isFirst),
      changes: gaps === "ask" ? (range) => keysApi.changes(range) : undefined,
      scheduler,
      deadline,
      report: outputs.report,
    });
    this.#subscriptions.add(
      missing$.pipe(toArray()).subscribe({
        next: (missing) => {
          outputs.emissions.batch(() => {
            for (const one of missing) void this.#applyLate(one);
            this.#applyAfterGap(step, connection);
            this.#isGapOpen = false;
            if (!this.chain.isBehind) this.#setDoubt(false);
            else if (this.chain.failing) this.#open(); // in doubt: lookups must not hang
            this.chain.commitPending();
          });
        },
        error: () => {
          this.chain.storeCleared();
        },
      }),
    );
  }

  /**
   * The step before which the gap was. If it is still not the next one, another tab has moved on: what it names becomes
   * outdated, and the next response shows.
   */
  #applyAfterGap(step: ParsedStep, connection: Connection): void {
    const placement = placeStep(step, this.#standing(false));
    this.#applyPlaced(step, placement === "gap" ? "late" : placement, connection);
  }

  #applyLate(step: SyncStep): Observable<Outcome> {
    const change = rebased(step, this.chain.clone, () => false);
    return typeof change === "string" ? of(change) : this.#commit(change);
  }

  /** @param isInDoubt whether steps may be missing */
  #setDoubt(isInDoubt: boolean): void {
    const { gate, outputs } = this.#surroundings;
    const { tracking } = this;
    if (isInDoubt) gate.close();
    if (tracking.inDoubt === isInDoubt) return;
    tracking.setDoubt(isInDoubt);
    outputs.emissions.enqueue(() => {
      tracking.doubtChanged();
    });
    if (!isInDoubt) this.#open();
  }

  #open(): void {
    const { gate, outputs } = this.#surroundings;
    gate.open();
    // Lookups come after the emissions of what they waited for.
    outputs.emissions.enqueue(() => {
      gate.release();
    });
  }

  #reportRefusals({ refusal, refusedIds: ids }: ParsedStep): void {
    const { report } = this.#surroundings.outputs;
    if (refusal !== undefined)
      report({
        type: "sync-response-refused",
        error: refusal,
        message: `${refusal.message}; as it may hide changes, every device list became outdated`,
      });
    this.#reportRefusedIds("device_lists", ids);
  }

  #reportRefusedIds(source: Parameters<typeof refusedIds>[0], ids: readonly string[]): void {
    const problem: TrackerProblem | undefined = refusedIds(source, ids);
    if (problem !== undefined) this.#surroundings.outputs.report(problem);
  }
}
