import { concat, defer, EMPTY, ignoreElements, takeUntil, throwError, type Observable } from "rxjs";
import { StoreClearedError } from "../model/errors.js";
import { replaceState } from "./adopt.js";
import type { News } from "./announcement.js";
import { Announcer } from "./announcer.js";
import type { ChainEvents } from "./chain-events.js";
import type { ChainOptions, ChainParts } from "./chain-parts.js";
import { ChainReader } from "./chain-reader.js";
import { ChainWriter, type Applied } from "./chain-writer.js";
import type { Change } from "./change.js";
import { emptyClone, type Clone, type Edit } from "./clone.js";
import type { SavedAccount } from "./load.js";
import { OperationSlot } from "./operation-slot.js";
import { Pace } from "./pace.js";
import type { Outcome } from "./rebase.js";
import type { OwnerRecord } from "./records.js";
import type { Compact } from "./snapshot.js";
import type { Before } from "./tracked-users.js";
import type { Write } from "./write-buffer.js";

/**
 * One tracker's end of the chain of commits: its clone, and all its operations on the store, run one at a time.
 *
 *     apply(change)   memory changes at once; a transaction commits it, after those before it
 *     write(…)        a save: after the commits of all changes that were applied before it
 *     commits$        another tracker's commit is followed; otherwise the missing ones are read and ours are rebased
 *
 * If the store fails, commits are retried (1 s, doubling to 60 s) and nothing passes them. Writes fail at once, and
 * memory keeps what they would have saved.
 */
export class Chain {
  readonly clone: Clone;
  readonly #parts: ChainParts;
  readonly #reader: ChainReader;
  readonly #writer: ChainWriter;
  readonly #idleActions: (() => void)[] = [];
  #isDraining = false;
  #closing: Error | undefined;
  #ended: Error | undefined;

  /** @param compact folds what is appended beside the log into the records of a snapshot */
  constructor(account: SavedAccount, options: ChainOptions, compact: Compact, events: ChainEvents) {
    const { state, owner } = account;
    this.clone = { ...emptyClone(owner.userId), ...state, pending: [] };
    const again = () => {
      this.#drain();
    };
    const cleared = () => {
      this.storeCleared();
    };
    const announcer = new Announcer(options.store, options.owner, options.name);
    const slot = new OperationSlot({ freed: again, cleared });
    const pace = new Pace(options.scheduler);
    this.#parts = { ...options, clone: this.clone, announcer, slot, pace, events };
    this.#writer = new ChainWriter(this.#parts, compact, {
      again,
      isFailing: () => this.failing,
      headMoved: () => {
        this.#reader.catchUp();
      },
      gaveUp: () => {
        if (this.#closing !== undefined) this.#end(this.#closing);
      },
    });
    this.#reader = new ChainReader(this.#parts, {
      again,
      cleared,
      rebased: (dropped) => {
        this.#writer.settle(dropped);
      },
      failed: (error) => {
        this.#writer.readFailed(error);
      },
    });
  }

  /** True if commits wait for the store to work again. */
  get failing(): boolean {
    return this.#failure !== undefined;
  }

  /** True if changes are applied in memory but not committed yet. */
  get hasPending(): boolean {
    return this.#writer.hasCommits;
  }

  /** How many devices to compare in one {@link write}. */
  get devicesAtATime(): number {
    return this.#parts.pace.devices;
  }

  /** The number of the last commit in memory, where it will be unless the head moves first. */
  get tip(): number {
    return this.clone.head + this.clone.pending.length;
  }

  get #failure(): unknown {
    return this.#writer.error ?? this.#reader.error;
  }

  /** True if the store is known, or suspected, to be ahead of memory. */
  get isBehind(): boolean {
    return this.#reader.isBehind;
  }

  /** Follows what other trackers announce; `undefined` means that announcements may have been lost. */
  hear(value: unknown): void {
    if (this.#closing !== undefined || this.#ended !== undefined) return;
    this.#reader.hear(value);
    this.#reader.followAtOnce();
    this.#drain();
  }

  /**
   * Applies a change in memory and queues its commit. The caller must call {@link commitPending} once everything that
   * follows from the change is marked.
   * @param edit committed together with it
   */
  apply(change: Change, edit?: Edit): Applied {
    return this.#writer.apply(change, edit);
  }

  commitPending(): void {
    this.#writer.announceIfFailing();
    this.#drain();
  }

  /** Queues a write at once. Emits its result when durable; fails at once while the store fails. */
  write<T>(write: Write<T>): Observable<T> {
    const error = this.#ended ?? this.#failure;
    if (error !== undefined) return failed(error);
    const result$ = this.#writer.add(write);
    this.#drain();
    return result$;
  }

  /**
   * Reads missing commits, if any. Completes when memory reflects them. If they cannot be read, fails, and the read is
   * retried later.
   */
  reload(): Observable<void> {
    if (this.#ended !== undefined) return failed(this.#ended);
    const done$ = this.#reader.reload();
    this.#drain();
    return done$;
  }

  /** Reads missing commits as soon as possible. */
  catchUp(): void {
    if (this.#ended !== undefined) return;
    this.#reader.catchUp();
    this.#drain();
  }

  /**
   * Completes when everything that is pending now is durable, or when the store fails and other trackers have been
   * notified.
   */
  announced(): Observable<never> {
    return defer(() => {
      if (!this.failing) return this.settled().pipe(ignoreElements(), takeUntil(this.#writer.failed$));
      this.#writer.announcePending();
      return EMPTY;
    });
  }

  /** The outcome of everything that is pending now; emits at once if nothing is. */
  settled(): Observable<Outcome> {
    return this.#writer.settled();
  }

  /** The outcome of the pending step that led to the token in memory; emits at once if that token is saved. */
  tokenSettled(): Observable<Outcome> {
    return this.#writer.tokenSettled();
  }

  /** Commits pending changes, then reads what other trackers committed. Fails if the store does. */
  synchronize(): Observable<void> {
    if (this.failing) return failed(this.#failure);
    return concat(
      this.settled().pipe(ignoreElements(), takeUntil(this.#writer.failed$)),
      defer(() => (this.failing ? failed(this.#failure) : this.reload())),
    );
  }

  /** Announces news other than commits. Delivery is not guaranteed, and nothing depends on it. */
  announce(news: News): void {
    if (this.#ended === undefined) this.#parts.announcer.send(news);
  }

  /**
   * Returns true if, by its owner's record, the store is still in the life in which it was loaded. If not, nothing more
   * is written.
   */
  isOurs(owner: OwnerRecord | undefined): boolean {
    if (owner?.lifetime !== this.#parts.owner.lifetime) this.storeCleared();
    return this.#ended === undefined;
  }

  /** Call when the store was found in another life. */
  storeCleared(): void {
    this.#end(new StoreClearedError());
  }

  whenIdle(action: () => void): void {
    this.#idleActions.push(action);
    this.#drain();
  }

  /**
   * Switches to the store that memory stood in for, with its state and life. Call it only when the chain is idle.
   * @returns all users, as they were before
   */
  adopt({ owner, state }: SavedAccount): Before {
    const { store, name, announcer } = this.#parts;
    announcer.end();
    this.#parts.owner = owner;
    this.#parts.announcer = new Announcer(store, owner, name);
    return replaceState(this.clone, state);
  }

  /** Gives pending commits one last try and ends everything else. */
  close(error: Error): void {
    if (this.#ended !== undefined || this.#closing !== undefined) return;
    this.#closing = error;
    this.#parts.announcer.end();
    this.#parts.slot.abort();
    this.#writer.close(error);
    this.#reader.end(error);
    this.#drain();
  }

  /** Runs one operation at a time, the most urgent first. If one ends synchronously, the loop goes on. */
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    while (this.#parts.slot.isFree && this.#ended === undefined && this.#next());
    this.#isDraining = false;
  }

  #next(): boolean {
    if (this.#closing !== undefined) {
      if (this.#writer.hasCommits) return this.#writer.next();
      this.#end(this.#closing);
      return false;
    }
    return this.#reader.next() || (!this.isBehind && (this.#runIdleAction() || this.#writer.next()));
  }

  #runIdleAction(): boolean {
    const action = this.#writer.hasCommits ? undefined : this.#idleActions.shift();
    action?.();
    return action !== undefined;
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    if (this.#closing === undefined) this.#parts.events.cleared();
    this.#writer.end(error);
    this.#reader.end(error);
  }
}

const failed = (error: unknown): Observable<never> => throwError(() => error);
