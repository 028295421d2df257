import { AsyncSubject, ignoreElements, map, merge, tap, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { SyncResponse } from "../model/wire.js";
import {
  commitStep,
  commitTracked,
  stepKeys,
  trackedKeys,
  type Committed,
  type SavedUser,
  type StepToCommit,
} from "../store/commit.js";
import type { RecordKey } from "../store/device-store.js";
import { Revision } from "../store/revision.js";
import type { SavedRecords } from "../store/saved-records.js";
import type { WriteQueue } from "../store/write-queue.js";
import type { Emissions } from "../tracker/emission-queue.js";
import type { Step } from "./step.js";
import type { TrackedUsers } from "./tracked-users.js";

/** Users that one transaction makes tracked at the most: an account's first `track()` may name tens of thousands, and a transaction has a deadline. */
const MAX_TRACKED_PER_COMMIT = 2_000;

/**
 * Applies steps of changes: in memory at once, in the store as soon as it can be.
 *
 *     step      s1──s2──────
 *     memory    s1──s2──────  lookups and deviceChanges$ see it
 *     store     ───s1────s2─  synced$ sees it; the token moves with the invalidations it stands for
 */
export class Steps {
  readonly #ownUserId: UserId;
  readonly #tracked: TrackedUsers;
  readonly #writes: WriteQueue;
  readonly #emissions: Emissions;
  /** What is applied and not committed yet; `numbered`: whether its revision will get the number that the store allots. */
  readonly #uncommitted = new Set<{ numbered: boolean }>();
  /** Up to which of the store's revisions this tracker knows of all changes. */
  #known: number;
  /** Whether another tab has committed anything since this tracker read the store. */
  #hasOthers = false;
  /** Whether others may have been ahead when it did. */
  readonly #isFirst: boolean;
  /** The revision up to which the transactions of this tracker that are not answered yet have found no changes but its own. */
  #allotted = 0;

  /** @param known the store's last revision when its state was read */
  constructor(ownUserId: UserId, tracked: TrackedUsers, writes: WriteQueue, emissions: Emissions, known: number) {
    this.#ownUserId = ownUserId;
    this.#tracked = tracked;
    this.#writes = writes;
    this.#emissions = emissions;
    this.#known = known;
    this.#isFirst = known === 0;
  }

  /** The store's state is being taken over again, as of this revision; nothing is applied and not committed. */
  reloaded(known: number): void {
    if (known > this.#known) this.#hasOthers = true;
    this.#known = known;
  }

  /**
   * Applies a sync response, whether the result is subscribed to or not; completes when its changes are durable, with the response where it is one.
   * @param inFlight users with a query in flight, asked only where everyone is concerned
   */
  apply(step: Step, inFlight: () => readonly UserId[]): Observable<SyncResponse | undefined> {
    const revision = new Revision();
    const follows = this.#tracked.token;
    const { next, changed, left, everyone, asked = false } = step;
    const commit: StepToCommit = {
      since: step.since ?? undefined,
      follows,
      next,
      changed,
      left,
      everyone,
      asked: asked && (this.#hasOthers || !this.#isFirst),
    };
    const apply = (records: SavedRecords) =>
      commitStep(records, { ...commit, aloneAt: this.#hasOthers ? undefined : this.#allotted }, this.#ownUserId);
    const inFlightNow = everyone ? inFlight().filter((userId) => this.#tracked.get(userId) !== undefined) : [];
    return this.#emissions.hold(() => {
      this.#tracked.step({ token: next ?? follows, changed, left, everyone, revision }, inFlightNow);
      const concerned = () => (everyone ? this.#tracked.users.keys() : changed);
      return this.#commit(revision, stepKeys(commit), concerned, apply).pipe(map(() => step.response));
    });
  }

  /** Tracks users, whether the result is subscribed to or not; completes when that is durable. */
  track(userIds: readonly UserId[]): Observable<never> {
    const users = userIds.filter((userId) => this.#tracked.get(userId) === undefined);
    if (users.length === 0) return this.#writes.written();
    const follows = this.#tracked.token;
    return this.#emissions.hold(() => {
      const commits: Observable<Committed>[] = [];
      for (let i = 0; i < users.length; i += MAX_TRACKED_PER_COMMIT) {
        const together = users.slice(i, i + MAX_TRACKED_PER_COMMIT);
        const revision = new Revision();
        this.#tracked.track(together, revision);
        commits.push(
          this.#commit(
            revision,
            trackedKeys(together),
            () => together,
            (records) => commitTracked(records, together, follows),
          ),
        );
      }
      return merge(...commits).pipe(ignoreElements());
    });
  }

  /** @param concerned the users who may be at this revision */
  #commit(
    revision: Revision,
    keys: readonly RecordKey[],
    concerned: () => Iterable<UserId>,
    apply: (records: SavedRecords) => Committed,
  ): Observable<Committed> {
    const pending = { numbered: true };
    this.#uncommitted.add(pending);
    const committed$ = new AsyncSubject<Committed>();
    this.#writes
      .write({
        keys,
        apply: (records) => {
          const [oldest] = this.#uncommitted;
          if (oldest === pending) this.#allotted = this.#known; // also where it is tried again: what an earlier try would have allotted may have become another tab's
          const committed = apply(records);
          if (committed.previous <= this.#allotted) this.#allotted = committed.revision;
          return committed;
        },
        whenStoreFails: "retry",
      })
      .pipe(
        tap(({ revision: allotted, previous, recognised, users }) => {
          if (recognised || allotted > this.#known + 1 || previous > this.#known) this.#hasOthers = true;
          // Where changes that this tracker does not know came in between, the number would let what was asked before them pass for what was asked after them: without one, whatever
          // was asked at this revision is refused, and the refusal brings what the store says. The same goes for what was asked at later steps that were
          // applied by now: nothing need have come between this one and them.
          if (previous > this.#known) for (const applied of this.#uncommitted) applied.numbered = false;
          this.#known = Math.max(this.#known, allotted);
          this.#uncommitted.delete(pending);
          if (pending.numbered) revision.committed = allotted;
          const adopted = new Map<UserId, { from: Revision; saved: SavedUser | undefined }>();
          // Who is still at a revision without a number would be refused later: they are outdated at the number instead, as the store has them.
          if (!pending.numbered)
            for (const userId of concerned())
              adopted.set(userId, { from: revision, saved: { revision: allotted, outdated: true } });
          for (const [userId, saved] of users) adopted.set(userId, { from: revision, saved });
          if (adopted.size > 0) this.#tracked.adopt(adopted);
        }),
      )
      .subscribe(committed$);
    return committed$;
  }
}
