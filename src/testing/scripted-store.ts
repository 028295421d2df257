import {
  concatMap,
  connect,
  defer,
  filter,
  finalize,
  map,
  merge,
  NEVER,
  of,
  share,
  Subject,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../store/device-store.js";
import { memoryStore } from "../store/memory-store.js";

/** The operations of a store, as {@link ScriptedStore} counts them. */
export type StoreOperation = "read" | "readKinds" | "update" | "clear";

export interface ScriptedStoreOptions {
  readonly scheduler: SchedulerLike;
  /** How long each operation takes, in ms; 0 emits synchronously. @default 0 */
  readonly takes?: number;
  /**
   * How long announcements of other stores on the same records take to arrive, in ms; 0 emits synchronously.
   * @default 0
   */
  readonly announceAfter?: number;
  /** Where the records are kept. Pass another ScriptedStore's for a second tab or a restart. @default memoryStore() */
  readonly records?: DeviceStore;
}

/**
 * A store in virtual time that delays, fails or hangs on request. Its operations take effect one after another, each at
 * the end of its time.
 *
 * Several of them on the same `records` simulate several tabs. Announcements arrive after `announceAfter`, or not at
 * all between {@link loseAnnouncements} and {@link wake}.
 *
 * @example
 * const store = new ScriptedStore({ scheduler: testScheduler, takes: 3 });
 * store.failNext(new Error("the disk is full"), "update");
 *
 * @example
 * const otherTab = new ScriptedStore({ scheduler: testScheduler, records: store.records, announceAfter: 2 });
 * otherTab.loseAnnouncements(); // the browser freezes it
 * otherTab.wake(); // commits$ emits undefined, and then new announcements
 */
export class ScriptedStore implements DeviceStore {
  readonly syncToken$: Observable<string | undefined>;
  readonly commits$: Observable<unknown>;
  /** How often each operation was begun. */
  readonly begun: Record<StoreOperation, number> = { read: 0, readKinds: 0, update: 0, clear: 0 };
  /** The records, which outlive this store. */
  readonly records: DeviceStore;
  takes: number;
  announceAfter: number;

  readonly #scheduler: SchedulerLike;
  readonly #outcomes: { readonly operation: StoreOperation | undefined; readonly outcome: Outcome }[] = [];
  readonly #woken$ = new Subject<undefined>();
  /** Updates of this store with an announcement that `records` has not emitted yet. */
  readonly #own: OwnUpdate[] = [];
  #losesAnnouncements = false;
  #crashed = false;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor({ scheduler, takes = 0, announceAfter = 0, records = memoryStore() }: ScriptedStoreOptions) {
    this.#scheduler = scheduler;
    this.takes = takes;
    this.announceAfter = announceAfter;
    this.records = records;
    this.syncToken$ = defer(() => this.#run("read", () => records.syncToken$));
    const announced$ = records.commits$.pipe(
      map((announcement) => ({ announcement, own: this.#takeOwn(announcement) })),
      connect((all$) => merge(ownAnnouncements(all$), this.#othersAnnouncements(all$))),
    );
    this.commits$ = merge(announced$, this.#woken$).pipe(
      filter(() => !this.#crashed),
      share(),
    );
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return defer(() => this.#run("read", () => this.records.read(keys)));
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return defer(() => this.#run("readKinds", () => this.records.readKinds(kinds)));
  }

  /** Fails if the announcement cannot be cloned. */
  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    return defer(() => this.#run("update", (isAnswered) => this.#update(keys, change, isAnswered)));
  }

  clear(): Observable<void> {
    return defer(() => this.#run("clear", () => this.records.clear()));
  }

  /** Makes the next operation, or the next of this kind, fail and change nothing. */
  failNext(error: unknown, operation?: StoreOperation): void {
    this.#outcomes.push({ operation, outcome: { error } });
  }

  /**
   * Makes the next operation, or the next of this kind, hang. If `effective`, it takes effect but its answer is lost:
   * other stores on the same records receive its announcement, and this one does not.
   */
  hangNext(operation?: StoreOperation, effective = false): void {
    this.#outcomes.push({ operation, outcome: effective ? "effective-hang" : "hang" });
  }

  /** Loses announcements of other stores from now on, as in a frozen tab. */
  loseAnnouncements(): void {
    this.#losesAnnouncements = true;
  }

  /** Ends {@link loseAnnouncements}. `commits$` emits `undefined`, as when a frozen tab wakes. */
  wake(): void {
    this.#losesAnnouncements = false;
    this.#woken$.next(undefined);
  }

  /**
   * Simulates that the page is gone: nothing takes effect, answers or is announced to it any more. A new store on its
   * {@link records} simulates the next page. This page's tracker retries its commits forever, so a `TestScheduler`
   * needs a bound (`maxFrames`).
   */
  crash(): void {
    this.#crashed = true;
  }

  #run<T>(operation: StoreOperation, effect: (isAnswered: boolean) => Observable<T>): Observable<T> {
    this.begun[operation]++;
    const next = this.#outcomes.findIndex(({ operation: meant }) => meant === undefined || meant === operation);
    const outcome = next === -1 ? undefined : this.#outcomes.splice(next, 1)[0]?.outcome;
    const now = this.#scheduler.now();
    this.#freeAt = Math.max(this.#freeAt, now) + this.takes;
    const wait = this.#freeAt - now;
    const result$ = defer((): Observable<T> => {
      if (this.#crashed || outcome === "hang") return NEVER;
      if (outcome === "effective-hang") return effect(false).pipe(concatMap(() => NEVER));
      return outcome === undefined ? effect(true) : throwError(() => outcome.error);
    });
    return wait === 0 ? result$ : timer(wait, this.#scheduler).pipe(concatMap(() => result$));
  }

  #update<T>(
    keys: readonly RecordKey[],
    change: (saved: readonly unknown[]) => Update<T>,
    isAnswered: boolean,
  ): Observable<T> {
    const own: OwnUpdate = { isAnswered, announcement: undefined };
    this.#own.push(own);
    const noted = (saved: readonly unknown[]) => {
      const update = change(saved);
      own.announcement = update.announce;
      structuredClone(update.announce); // throws if a browser could not send it
      return update;
    };
    return this.records.update(keys, noted).pipe(finalize(() => this.#remove(own)));
  }

  /** Returns this store's update that made the announcement, if any. */
  #takeOwn(announcement: unknown): OwnUpdate | undefined {
    const own = this.#own.find((update) => announcement !== undefined && update.announcement === announcement);
    if (own !== undefined) this.#remove(own);
    return own;
  }

  #remove(own: OwnUpdate): void {
    const at = this.#own.indexOf(own);
    if (at !== -1) this.#own.splice(at, 1);
  }

  /** Clones announcements, as from another tab, one after another. */
  #othersAnnouncements(all$: Observable<Announced>): Observable<unknown> {
    return all$.pipe(
      filter(({ own }) => own === undefined),
      map(({ announcement }) => ({
        clone: structuredClone(announcement),
        arrivesAt: this.#scheduler.now() + this.announceAfter,
      })),
      concatMap(({ clone, arrivesAt }) => {
        const wait = arrivesAt - this.#scheduler.now();
        return wait <= 0 ? of(clone) : timer(wait, this.#scheduler).pipe(map(() => clone));
      }),
      filter(() => !this.#losesAnnouncements),
    );
  }
}

type Outcome = "hang" | "effective-hang" | { readonly error: unknown };

/** An update in progress, and what it announces; `undefined` before its function has run. */
interface OwnUpdate {
  readonly isAnswered: boolean;
  announcement: unknown;
}

interface Announced {
  readonly announcement: unknown;
  readonly own: OwnUpdate | undefined;
}

const ownAnnouncements = (all$: Observable<Announced>): Observable<unknown> =>
  all$.pipe(
    filter(({ own }) => own?.isAnswered === true),
    map(({ announcement }) => announcement),
  );
