import {
  AsyncSubject,
  concat,
  defer,
  ignoreElements,
  map,
  of,
  Subject,
  Subscription,
  takeUntil,
  throwError,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { StoreClearedError } from "../model/errors.js";
import { readAnnouncement, type Announcement, type News } from "./announcement.js";
import type { Change, Commit } from "./change.js";
import {
  advance,
  applyLocally,
  canFollow,
  doubt,
  emptyClone,
  follow,
  followSave,
  toCommits,
  type Clone,
  type Pending,
} from "./clone.js";
import type { DeviceStore } from "./device-store.js";
import { readMissing, type Missing, type SavedAccount } from "./load.js";
import { rebase, type Outcome } from "./rebase.js";
import { readSync, SYNC, type OwnerRecord, type SyncRecord } from "./records.js";
import { Retry } from "./retry.js";
import { isSnapshotDue, writeSnapshot, type Compact } from "./snapshot.js";
import type { Before } from "./tracked-users.js";
import { CLEARED, transact, type Cleared } from "./transact.js";
import { commit, usersOf } from "./transactions.js";
import { WriteBuffer, type Write } from "./write-buffer.js";

/** Commits in a row that find the head moved after which this tracker waits: the store may contradict itself, and must not make it spin. */
const MAX_REJECTIONS = 100;

/** What a chain reports, each time after memory reflects it. */
export interface ChainEvents {
  /** Commits of other trackers were applied. `summary`: several at once, because some had not been announced; `undefined` if they are not known one by one. */
  readonly followed: (before: Before, commits: readonly Commit[] | undefined, isSummary: boolean) => void;
  /** Local changes were rebased or doubted, or the whole state was read again. */
  readonly moved: (before: Before) => void;
  /** Other trackers' news that do not concern the chain. */
  readonly heard: (news: News) => void;
  /** The whole state was read again. */
  readonly reread: (account: SavedAccount) => void;
  readonly commitFailed: (error: unknown, retryIn: number) => void;
  /** The state is being read again (`true`), or has been. Nothing in memory is to be called current in between. */
  readonly behind: (isBehind: boolean) => void;
  /** The state could not be read again. Memory goes on, in doubt, and it is tried again later. */
  readonly unreadable: (error: unknown) => void;
  /** The store was cleared: nothing more is written or read. */
  readonly cleared: () => void;
  /** Runs this as one: what it causes must not be emitted before it is over. */
  readonly together: (action: () => void) => void;
}

/** Who a tracker is, and where. */
export interface ChainOptions {
  readonly store: DeviceStore;
  readonly owner: OwnerRecord;
  /** A name for this tracker that no other has. */
  readonly name: string;
  readonly scheduler: SchedulerLike;
  /** Compacts what is appended beside the log. */
  readonly compact: Compact;
}

/**
 * One tracker's end of the chain of commits: its clone, and everything it asks of the store, one operation at a time.
 *
 *     apply(change)   memory changes at once; a transaction commits it, after those before it
 *     write(…)        a save: after the commits of all changes that were applied before it
 *     commits$        another tracker's commit is followed; if that is not possible, the missing ones are read and ours are rebased
 *
 * If the store fails, commits are tried again (1 s, doubling to 60 s) and nothing passes them; writes fail at once, and memory keeps what they were to
 * save.
 */
export class Chain {
  readonly clone: Clone;
  readonly #options: ChainOptions;
  readonly #events: ChainEvents;
  readonly #outcomes = new Map<Pending, AsyncSubject<Outcome>>();
  readonly #announcements: News[] = [];
  readonly #writes = new WriteBuffer();
  readonly #commitRetry: Retry;
  readonly #reloadRetry: Retry;
  readonly #operations = new Subscription();
  readonly #reloaded: AsyncSubject<void>[] = [];
  readonly #failed$ = new Subject<void>();
  #isBehind = false;
  #rejections = 0;
  #busy = false;
  #draining = false;
  #sync: SyncRecord | undefined;
  #ended: Error | undefined;
  #closing: Error | undefined;
  #operation: { readonly subscription: Subscription; readonly mustFinish: boolean } | undefined;

  constructor(account: SavedAccount, options: ChainOptions, events: ChainEvents) {
    const { state, owner } = account;
    this.clone = { ...emptyClone(owner.userId), ...state, users: new Map(state.users), pending: [] };
    this.#options = options;
    this.#events = events;
    const again = () => {
      this.#drain();
    };
    this.#commitRetry = new Retry(options.scheduler, again);
    this.#reloadRetry = new Retry(options.scheduler, again);
  }

  /** Whether commits wait for the store to work again. */
  get failing(): boolean {
    return this.#failure !== undefined;
  }

  get #failure(): unknown {
    return this.#commitRetry.error ?? this.#reloadRetry.error;
  }

  /** Whether the store is known, or suspected, to be ahead of memory. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Follows what other trackers announce; `undefined` means that something may have been lost. */
  hear(value: unknown): void {
    if (this.#ended !== undefined) return;
    if (value === undefined) {
      this.catchUp();
      return;
    }
    const announcement = readAnnouncement(value);
    const { name, owner } = this.#options;
    if (announcement === undefined || announcement.by === name || announcement.lifetime !== owner.lifetime) return;
    this.#announcements.push(...announcement.news);
    this.#drain();
  }

  /** Applies a change in memory and queues its commit. The caller must {@link commitPending} once everything that follows from it is marked. */
  apply(change: Change): { readonly pending: Pending; readonly outcome$: Observable<Outcome> } {
    const pending = applyLocally(this.clone, change);
    const outcome$ = new AsyncSubject<Outcome>();
    this.#outcomes.set(pending, outcome$);
    return { pending, outcome$ };
  }

  commitPending(): void {
    if (this.#commitRetry.isWaiting) this.#announcePending();
    this.#drain();
  }

  /** Queues a write at once. Emits its result when it is durable; fails at once while the store fails. */
  write<T>(write: Write<T>): Observable<T> {
    const result$ = new AsyncSubject<T>();
    if (this.#ended !== undefined) result$.error(this.#ended);
    else if (this.failing) result$.error(this.#failure);
    else {
      this.#writes.add(write, result$);
      this.#drain();
    }
    return result$;
  }

  /** Reads what is missing, if anything. Completes when memory reflects it; fails if it cannot be read, and then it is tried again later. */
  reload(): Observable<void> {
    const done$ = new AsyncSubject<void>();
    if (this.#ended !== undefined) done$.error(this.#ended);
    else {
      this.#reloaded.push(done$);
      this.#setBehind(true);
      this.#drain();
    }
    return done$;
  }

  /** Reads what is missing, whenever that is possible. */
  catchUp(): void {
    if (this.#ended !== undefined) return;
    this.#setBehind(true);
    this.#drain();
  }

  /** The outcome of everything that is pending now; at once if there is nothing. */
  settled(): Observable<Outcome> {
    const last = this.clone.pending.at(-1);
    const outcome$ = last === undefined ? undefined : this.#outcomes.get(last);
    return outcome$ === undefined ? of("committed") : outcome$.pipe(map((): Outcome => "committed"));
  }

  /** Commits what is pending, then reads what other trackers committed. Fails if the store does. */
  synchronize(): Observable<void> {
    if (this.failing) return throwError(() => this.#failure);
    return concat(
      this.settled().pipe(takeUntil(this.#failed$), ignoreElements()),
      defer(() => (this.failing ? throwError(() => this.#failure) : this.reload())),
    );
  }

  /** Tells other trackers something that is no commit. Nothing depends on its arriving. */
  announce(news: News): void {
    if (this.#ended !== undefined) return;
    const announce = this.#announcement([news]);
    this.#operations.add(
      this.#options.store
        .update([], () => ({ puts: [], deletes: [], result: undefined, announce }))
        .subscribe({ error: () => {} }),
    );
  }

  /** Whether the store is still in the life in which it was loaded, according to its owner's record; if not, nothing is written any more. */
  isOurs(owner: OwnerRecord | undefined): boolean {
    if (owner?.lifetime !== this.#options.owner.lifetime) this.#end(new StoreClearedError());
    return this.#ended === undefined;
  }

  /** The store was found to be in another life. */
  storeCleared(): void {
    this.#end(new StoreClearedError());
  }

  /** Gives the pending commits one last try and ends everything else. */
  close(error: Error): void {
    if (this.#ended !== undefined || this.#closing !== undefined) return;
    this.#closing = error;
    this.#commitRetry.end();
    this.#reloadRetry.end();
    this.#operations.unsubscribe();
    if (this.#operation?.mustFinish === false) {
      this.#operation.subscription.unsubscribe();
      this.#operation = undefined;
      this.#busy = false;
    }
    this.#announcements.length = 0;
    this.#settleAll(error);
    this.#drain();
  }

  /** One operation at a time, the most urgent first. An operation that ends at once lets the loop go on. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (!this.#busy && this.#ended === undefined && this.#next());
    this.#draining = false;
  }

  /** Begins the next operation; `false` if there is none. */
  #next(): boolean {
    const hasPending = this.clone.pending.length > 0;
    if (this.#closing !== undefined) {
      if (hasPending) this.#commit();
      else this.#end(this.#closing);
      return hasPending;
    }
    const news = this.#announcements.shift();
    if (news !== undefined) this.#follow(news);
    else if (this.#isBehind) {
      if (this.#reloadRetry.isWaiting) return false;
      this.#readMissing();
    } else if (hasPending) {
      if (this.#commitRetry.isWaiting) return false;
      this.#commit();
    } else if (!this.#writes.isEmpty) this.#transact();
    else if (this.#sync !== undefined && isSnapshotDue(this.#sync, this.clone.users.size)) this.#snapshot();
    else return false;
    return true;
  }

  #follow(news: News): void {
    const { clone } = this;
    switch (news.type) {
      case "commits":
        if ((news.commits.at(-1)?.number ?? 0) <= clone.head) return;
        if (this.#isBehind) return; // it will be read
        if (canFollow(clone, news.commits)) {
          const unknown = news.commits.filter(({ number }) => number > clone.head);
          this.#events.together(() => {
            this.#events.followed(follow(clone, news.commits, news.position), unknown, false);
          });
        } else this.#setBehind(true);
        return;
      case "pending": {
        const userIds = news.userIds === "everyone" ? [...clone.users.keys()] : news.userIds;
        this.#events.together(() => {
          this.#events.moved(doubt(clone, userIds));
        });
        return;
      }
      case "saved":
        followSave(clone, news.lists);
        break;
      default:
    }
    this.#events.together(() => {
      this.#events.heard(news);
    });
  }

  #commit(): void {
    const { clone } = this;
    const { store, owner, name } = this.#options;
    const base = { head: clone.head, position: clone.position };
    const commits = toCommits(clone);
    this.#run(
      transact(store, owner, [], (records) => {
        const outcome = commit(records, base, commits, name);
        const position = "committedAt" in outcome ? outcome.committedAt : 0;
        return {
          result: { outcome, sync: readSync(records.get(SYNC)) },
          ...("committedAt" in outcome && { announce: this.#announcement([{ type: "commits", position, commits }]) }),
        };
      }),
      ({ outcome, sync }) => {
        this.#commitRetry.succeeded();
        this.#sync = sync;
        if ("committedAt" in outcome) this.#committed(commits.length, outcome.committedAt);
        else if (++this.#rejections > MAX_REJECTIONS && this.#closing === undefined)
          this.#commitFailed(new Error("other tabs moved the head again and again"));
        else if (this.#closing === undefined) this.#setBehind(true);
        else this.#end(this.#closing);
      },
      (error) => {
        if (this.#closing === undefined) this.#commitFailed(error);
        else this.#end(this.#closing);
      },
      { mustFinish: true },
    );
  }

  #commitFailed(error: unknown): void {
    this.#rejections = 0;
    this.#writes.fail(error);
    const wait = this.#commitRetry.failed(error);
    this.#failed$.next();
    this.#events.commitFailed(error, wait);
    this.#announcePending();
  }

  #committed(count: number, position: number): void {
    this.#rejections = 0;
    const committed = this.clone.pending.slice(0, count);
    advance(this.clone, count, position);
    this.#events.together(() => {
      for (const pending of committed) this.#settle(pending, outcomeOf(pending.change));
    });
  }

  #readMissing(): void {
    const { store, owner } = this.#options;
    const waiting = this.#reloaded.splice(0);
    this.#run(
      readMissing(store, owner, this.clone),
      (missing: Missing) => {
        this.#reloadRetry.succeeded();
        this.#events.together(() => {
          this.#rebase(missing);
          this.#setBehind(this.#reloaded.length > 0);
          for (const done$ of waiting) complete(done$);
        });
      },
      (error) => {
        if (error instanceof StoreClearedError) {
          this.#reloaded.push(...waiting);
          this.#end(error);
          return;
        }
        this.#reloadRetry.failed(error);
        this.#writes.fail(error);
        for (const done$ of waiting) done$.error(error);
        this.#events.unreadable(error);
      },
    );
  }

  #rebase(missing: Missing): void {
    const { before, dropped, commits } = rebase(this.clone, missing, this.#options.name);
    if (missing.type === "everything") this.#events.reread(missing.account);
    this.#events.followed(before, commits, true);
    for (const { pending, outcome } of dropped) this.#settle(pending, outcome);
    // The store can be read, and there is nothing left to find out whether it can be written.
    if (this.clone.pending.length === 0) this.#commitRetry.succeeded();
  }

  #transact(): void {
    const { clone } = this;
    const { store, owner } = this.#options;
    const base = { head: clone.head, position: clone.position };
    const batch = this.#writes.take();
    const keys = batch.flatMap(({ write }) => [...write.keys]);
    const applied = batch.map(({ write }) => write.prepare());
    this.#run(
      transact(store, owner, keys, (records) => {
        const outcomes = applied.map((apply) => apply(records, base));
        const news = outcomes.flatMap(({ announce = [] }) => [...announce]);
        return {
          result: { results: outcomes.map(({ result }) => result), sync: readSync(records.get(SYNC)) },
          ...(news.length > 0 && { announce: this.#announcement(news) }),
        };
      }),
      ({ results, sync }) => {
        this.#sync = sync;
        this.#events.together(() => {
          batch.forEach(({ result$ }, i) => {
            result$.next(results[i]);
            result$.complete();
          });
        });
      },
      (error) => {
        for (const { result$ } of batch) result$.error(error);
        // Of a store that hangs, each write would find out for itself, one deadline after the other.
        this.#writes.fail(error);
      },
      { mustFinish: true },
    );
  }

  #snapshot(): void {
    const { store, owner, compact } = this.#options;
    const committed = { ...this.clone, users: new Map(this.clone.users) };
    this.#sync = undefined; // whatever comes of it, the next write tells when the next one is due
    this.#run(
      transact(store, owner, [], (records) => ({ result: writeSnapshot(records, committed, compact) })),
      () => {},
      () => {},
    );
  }

  /** @param options.mustFinish whether it is let finish when the tracker is closed */
  #run<T>(
    operation$: Observable<T | Cleared>,
    succeeded: (result: T) => void,
    failed: (error: unknown) => void,
    { mustFinish } = { mustFinish: false },
  ): void {
    this.#busy = true;
    const subscription = new Subscription();
    this.#operation = { subscription, mustFinish };
    const settled = (action: () => void) => {
      this.#busy = false;
      this.#operation = undefined;
      action();
      this.#drain();
    };
    subscription.add(
      operation$.subscribe({
        next: (result) => {
          settled(() => {
            if (result === CLEARED) this.#end(new StoreClearedError());
            else succeeded(result as T);
          });
        },
        error: (error: unknown) => {
          settled(() => {
            failed(error);
          });
        },
      }),
    );
  }

  #setBehind(isBehind: boolean): void {
    if (this.#isBehind === isBehind) return;
    this.#isBehind = isBehind;
    this.#events.behind(isBehind);
  }

  #announcePending(): void {
    const everyone = this.clone.pending.some(({ change }) => change.type === "step" && change.everyone !== undefined);
    const userIds = everyone ? "everyone" : [...new Set(this.clone.pending.flatMap(({ change }) => usersOf(change)))];
    if (userIds.length > 0) this.announce({ type: "pending", userIds });
  }

  #announcement(news: readonly News[]): Announcement {
    const { name, owner } = this.#options;
    return { by: name, lifetime: owner.lifetime, news };
  }

  #settle(pending: Pending, outcome: Outcome): void {
    const outcome$ = this.#outcomes.get(pending);
    this.#outcomes.delete(pending);
    outcome$?.next(outcome);
    outcome$?.complete();
  }

  #settleAll(error: Error): void {
    this.#writes.fail(error);
    for (const outcome$ of this.#outcomes.values()) outcome$.error(error);
    this.#outcomes.clear();
    for (const done$ of this.#reloaded.splice(0)) done$.error(error);
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#commitRetry.end();
    this.#reloadRetry.end();
    this.#announcements.length = 0;
    if (this.#closing === undefined) this.#events.cleared();
    this.#settleAll(error);
  }
}

function complete(done$: AsyncSubject<void>): void {
  done$.next();
  done$.complete();
}

/** A step that was rebased late has no token any more. */
const outcomeOf = (change: Change): Outcome =>
  change.type === "step" && change.next !== undefined ? "committed" : "applied";
