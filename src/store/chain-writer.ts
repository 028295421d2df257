import { map, of, Subject, type Observable } from "rxjs";
import { MAX_USERS_IN_TRANSACTION } from "../model/batch-sizes.js";
import { StoreClearedError } from "../model/errors.js";
import type { ChainParts } from "./chain-parts.js";
import { commitAll, takeSnapshot, writeAll } from "./chain-transactions.js";
import type { Change, Commit } from "./change.js";
import { advance, applyLocally, joinLocally, toCommits, type Edit, type Pending } from "./clone.js";
import { Outcomes } from "./outcomes.js";
import { outcomeOf, type Outcome, type Rebased } from "./rebase.js";
import type { SyncRecord } from "./records.js";
import { Retry } from "./retry.js";
import { isSnapshotDue, type Compact } from "./snapshot.js";
import type { Before } from "./tracked-users.js";
import { usersOf, type CommitOutcome } from "./transactions.js";
import { WriteBuffer, type Write } from "./write-buffer.js";

/**
 * After this many commits in a row that find the head moved, the tracker waits: the store may contradict itself, and
 * must not make it spin.
 */
const MAX_REJECTIONS = 100;

/** The effects of applying a change: the users it touched, as they were before, and its outcome. */
export interface Applied {
  /** The change, with the effects of extensions. */
  readonly change: Change;
  readonly before: Before;
  readonly outcome$: Observable<Outcome>;
}

export interface WriterEvents {
  /** A retry is due. */
  readonly again: () => void;
  /** Another tracker has moved the head: the missing commits must be read. */
  readonly headMoved: () => void;
  /** Returns true if the store fails, so that nothing can be committed now. */
  readonly isFailing: () => boolean;
  /** The last try, after {@link ChainWriter.close}, failed. */
  readonly gaveUp: () => void;
}

/**
 * Writes one tracker's changes. First come commits, in order, all waiting ones in one transaction; then saves,
 * likewise; then, if the log is long, a snapshot.
 */
export class ChainWriter {
  readonly #parts: ChainParts;
  readonly #events: WriterEvents;
  readonly #compact: Compact;
  readonly #retry: Retry;
  readonly #outcomes = new Outcomes();
  readonly #writes: WriteBuffer;
  readonly #failed$ = new Subject<void>();
  #rejections = 0;
  #isLastTry = false;
  /** Changes applied while the store fails, not yet announced to other trackers. */
  #unannounced: Change[] = [];
  /** The head after the last transaction, until it is known whether a snapshot is due. */
  #sync: SyncRecord | undefined;

  constructor(parts: ChainParts, compact: Compact, events: WriterEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#compact = compact;
    this.#writes = new WriteBuffer(parts.pace);
    this.#retry = new Retry(parts.scheduler, events.again);
  }

  get error(): unknown {
    return this.#retry.error;
  }

  /** Emits when a commit, or a read that it needs, has failed. */
  get failed$(): Observable<void> {
    return this.#failed$;
  }

  get hasCommits(): boolean {
    return this.#parts.clone.pending.length > 0;
  }

  apply(given: Change, edit?: Edit): Applied {
    const { clone, extensions } = this.#parts;
    const change = extensions.extend(given);
    if (this.#events.isFailing()) {
      this.#unannounced.push(change);
      const joined = joinLocally(clone, change, given);
      if (joined !== undefined)
        return { change, before: joined.before, outcome$: this.#outcomes.of(joined.pending) ?? of("committed") };
    }
    const pending = applyLocally(clone, change, edit, given);
    return { change, before: pending.undo.before, outcome$: this.#outcomes.add(pending) };
  }

  add<T>(write: Write<T>): Observable<T> {
    return this.#writes.add(write);
  }

  /** The missing commits could not be read, so nothing can be committed now. */
  readFailed(error: unknown): void {
    this.#writes.fail(error);
    this.announcePending();
    this.#failed$.next();
  }

  /** Notifies other trackers of pending changes: they must not call those users current. */
  announcePending(): void {
    this.#announce(this.#parts.clone.pending.map(({ change }) => change));
  }

  settled(): Observable<Outcome> {
    const last = this.#parts.clone.pending.at(-1);
    const outcome$ = last === undefined ? undefined : this.#outcomes.of(last);
    return outcome$ === undefined ? of("committed") : outcome$.pipe(map((): Outcome => "committed"));
  }

  tokenSettled(): Observable<Outcome> {
    const last = this.#parts.clone.pending.findLast(({ change }) => outcomeOf(change) === "committed");
    return (last === undefined ? undefined : this.#outcomes.of(last)) ?? of("committed");
  }

  next(): boolean {
    if (this.hasCommits) {
      if (this.#retry.isWaiting) return false;
      this.#commit();
    } else if (!this.#writes.isEmpty) this.#write();
    else if (this.#sync !== undefined && isSnapshotDue(this.#sync, this.#parts.clone.users.size)) this.#snapshot();
    else return false;
    return true;
  }

  /** Pending changes were rebased; these must no longer be committed. */
  settle(dropped: Rebased["dropped"]): void {
    for (const { pending, outcome } of dropped) this.#settle(pending, outcome);
    // The store can be read, and no commit is left that would show whether it can be written.
    if (!this.hasCommits) this.#retry.succeeded();
  }

  /** Announces the changes applied since, if the store fails. */
  announceIfFailing(): void {
    if (this.#unannounced.length > 0) this.#announce(this.#unannounced);
  }

  /** Fails all waiting writes. Pending changes get one last try. */
  close(error: Error): void {
    this.#isLastTry = true;
    this.end(error);
  }

  end(error: Error): void {
    this.#retry.end();
    this.#writes.fail(error);
    this.#outcomes.fail(error);
  }

  #commit(): void {
    const commits = firstOf(toCommits(this.#parts.clone));
    for (const pending of this.#parts.clone.pending.slice(0, commits.length)) pending.wasTried = true;
    const next = (outcome: CommitOutcome) => {
      this.#retry.succeeded();
      if ("committedAt" in outcome) this.#committed(commits.length, outcome.committedAt);
      else if (this.#isLastTry) this.#events.gaveUp();
      else if (++this.#rejections <= MAX_REJECTIONS) this.#events.headMoved();
      else this.#commitFailed(new Error("other tabs moved the head again and again"));
    };
    const done$ = commitAll(this.#parts, commits);
    this.#parts.slot.run(
      done$,
      {
        next: ({ result, sync }) => {
          this.#sync = sync;
          next(result);
        },
        error: (error) => {
          if (error instanceof StoreClearedError) return; // nothing more is committed
          if (this.#isLastTry) this.#events.gaveUp();
          else this.#commitFailed(error);
        },
      },
      true,
    );
  }

  #committed(count: number, position: number): void {
    const { clone, events } = this.#parts;
    this.#rejections = 0;
    const committed = clone.pending.slice(0, count);
    advance(clone, count, position);
    events.together(() => {
      for (const pending of committed) this.#settle(pending, outcomeOf(pending.change));
    });
  }

  #settle(pending: Pending, outcome: Outcome): void {
    if (outcome === "committed") this.#parts.events.committed(pending.change);
    this.#outcomes.settle(pending, outcome);
  }

  #commitFailed(error: unknown): void {
    this.#rejections = 0;
    this.#writes.fail(error);
    const wait = this.#retry.failed(error);
    this.#parts.events.commitFailed(error, wait);
    this.announcePending();
    this.#failed$.next();
  }

  #announce(changes: readonly Change[]): void {
    this.#unannounced = [];
    const everyone = changes.some((change) => change.type === "step" && change.everyone !== undefined);
    const userIds = everyone ? "everyone" : [...new Set(changes.flatMap(usersOf))];
    if (userIds.length > 0) this.#parts.announcer.send({ type: "pending", userIds });
  }

  #write(): void {
    const batch = this.#writes.take();
    const done$ = writeAll(
      this.#parts,
      batch.map(({ write }) => write),
    );
    const next = (results: readonly unknown[]) => {
      this.#parts.events.together(() => {
        batch.forEach(({ result$ }, i) => {
          result$.next(results[i]);
          result$.complete();
        });
      });
    };
    this.#parts.slot.run(
      done$,
      {
        next: ({ result, sync }) => {
          this.#sync = sync;
          next(result);
        },
        error: (error) => {
          for (const { result$ } of batch) result$.error(error);
          // If the store hangs, each write would otherwise wait for its own deadline, one after the other.
          this.#writes.fail(error);
        },
      },
      true,
    );
  }

  #snapshot(): void {
    this.#sync = undefined; // in any case, the next transaction shows when the next snapshot is due
    this.#parts.slot.run(takeSnapshot(this.#parts, this.#compact), { next: () => {}, error: () => {} });
  }
}

/** Returns as many commits as fit in one transaction, since other trackers follow them in one task. */
function firstOf(commits: readonly Commit[]): readonly Commit[] {
  let users = 0;
  const isOver = ({ change }: Commit) => (users += usersOf(change).length) > MAX_USERS_IN_TRANSACTION;
  const end = commits.findIndex((commit, i) => isOver(commit) && i > 0);
  return end === -1 ? commits : commits.slice(0, end);
}
