import {
  BehaviorSubject,
  catchError,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  map,
  merge,
  NEVER,
  Observable,
  of,
  ReplaySubject,
  share,
  Subject,
  Subscription,
  switchMap,
  takeUntil,
  throwError,
  type SchedulerLike,
} from "rxjs";
import { platformVerifier } from "../ed25519/platform-verifier.js";
import { TrackerClosedError, type StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { ExtensionEvents } from "../store/change.js";
import type { DeviceStore } from "../store/device-store.js";
import type { SavedAccount } from "../store/load.js";
import { withStoreDeadline } from "../store/store-deadline.js";
import { strictVerifier } from "../trust/signature-verifier.js";
import { Account } from "./account.js";
import { Connection } from "./connection.js";
import { Extensions } from "./extensions.js";
import { Gate } from "./gate.js";
import type { AccountSettings } from "./lists-of.js";
import { StoreOpening, type Opened } from "./opening.js";
import type { CompleteOptions } from "./options.js";
import { Outputs } from "./outputs.js";
import type { End } from "./response-streams.js";

/**
 * A tracker's life: loading the account on first use, connections to the sync stream, the store being cleared, and
 * closing.
 *
 * | what is shared | reset by |
 * | --- | --- |
 * | `#loading$` | its last subscriber unsubscribing before the account is loaded; a failed load: the next use retries |
 */
export class Session {
  readonly outputs = new Outputs();
  readonly scheduler: SchedulerLike;
  readonly userId: UserId;
  readonly trackedUsers$: Observable<ReadonlySet<UserId>>;
  readonly caughtUp$: Observable<void>;
  readonly #options: CompleteOptions;
  readonly #settings: AccountSettings;
  readonly #extensions: Extensions;
  readonly #gate = new Gate();
  readonly #loading$: Observable<Account>;
  readonly #account$: Observable<Account> = defer(() =>
    this.#over === undefined ? this.#loading$ : throwError(() => this.#over),
  );
  readonly #loaded$ = new ReplaySubject<Account>(1);
  readonly #connections$ = new BehaviorSubject<Connection | undefined>(undefined);
  /** Emits first: callers fail. */
  readonly #closing$ = new Subject<void>();
  /** Emits last: requests and streams end. */
  readonly #closed$ = new Subject<void>();
  readonly #opening: StoreOpening;
  /** Random, since the same account may be open in many tabs. */
  readonly #name = Math.random().toString(36).slice(2);
  #account: Account | undefined;
  /** The reason why every call fails: the store was cleared, or the tracker closed. */
  #over: Error | undefined;

  constructor(options: CompleteOptions) {
    const { userId, store, scheduler, storeDeadline, verifier } = options;
    this.#options = options;
    this.scheduler = scheduler;
    this.userId = userId;
    const onFallback = (error: unknown) => {
      const message =
        "this platform has no ed25519: signatures are verified in JavaScript, which takes 10 to 15 times as long";
      this.outputs.report({ type: "slow-signatures", error, message });
    };
    this.#settings = {
      ...options,
      userId,
      verifier: verifier === undefined ? platformVerifier({ onFallback }) : strictVerifier(verifier),
    };
    this.#opening = new StoreOpening({
      store: withStoreDeadline(store, storeDeadline, scheduler),
      userId,
      lifetime: `${scheduler.now().toString(36)}.${this.#name}`,
      scheduler,
      standsIn: options.onStoreUnavailable === "memory",
      hear: (announcement) => this.#account?.hear(announcement),
      report: this.outputs.report,
      reopened: (saved, reopened) => {
        this.#adopt(saved, reopened);
      },
      cleared: (error) => {
        this.#storeCleared(error);
      },
    });
    this.#extensions = new Extensions(options.extensions, userId, this.outputs.report);
    this.#loading$ = this.#load();
    // A state that cannot be loaded now (another account's store) may be loaded later.
    const loads$ = this.#account$.pipe(
      ignoreElements(),
      catchError(() => EMPTY),
    );
    this.trackedUsers$ = this.alive(merge(this.#loaded$, loads$).pipe(switchMap(({ tracking }) => tracking.set$)));
    this.caughtUp$ = this.alive(this.#connections$.pipe(switchMap((connection) => connection?.caughtUp$ ?? NEVER)));
  }

  /** The token in memory. */
  get token(): string | undefined {
    return this.#account?.chain.clone.token;
  }

  /** True if the account is loaded and everything received has been applied. */
  get isOpen(): boolean {
    return this.#over === undefined && this.#account !== undefined && this.#gate.isOpen;
  }

  isTracked(userId: UserId): boolean {
    return this.#account?.chain.clone.users.has(userId) === true;
  }

  get isConnected(): boolean {
    return this.#over === undefined && this.#connections$.value?.closed === false;
  }

  connect(): Subscription {
    if (this.#over instanceof TrackerClosedError) throw this.#over;
    const connection = new Connection();
    if (this.#over !== undefined) {
      connection.unsubscribe(); // lookups and synced$ report the reason
      return connection;
    }
    this.#connections$.next(connection);
    connection.add(
      this.onceOpen((account) => of(account)).subscribe({
        next: (account) => {
          if (!connection.isCaughtUp) account.siblings.ask();
        },
        error: (error: unknown) => {
          this.#gate.fail(error); // the waiting changes are for another account than the store's
          this.#end(connection, { error });
        },
      }),
    );
    if (connection.closed) return connection;
    const end = (how: End) => {
      this.#gate.pass(() => {
        this.#end(connection, how);
      });
    };
    connection.add(
      this.#options.keysApi.syncFailures$?.subscribe((failure) => {
        this.outputs.report({ type: "sync-failed", ...failure });
      }),
    );
    connection.add(
      this.#options.sync$.subscribe({
        next: (response: unknown) => {
          if (connection.closed) return; // from inside an emission caused by an earlier response of this burst
          this.#gate.pass(() => {
            this.#account?.steps.receive(response, connection);
          });
        },
        error: (error: unknown) => {
          end({ error });
        },
        complete: () => {
          end("complete");
        },
      }),
    );
    return connection;
  }

  /** Projects the account once it is loaded. Fails if it cannot be loaded, or if the tracker ends in the meantime. */
  onceLoaded<T>(project: (account: Account) => Observable<T>): Observable<T> {
    return this.#untilClosed(this.#account$.pipe(switchMap(project)));
  }

  /** Like {@link onceLoaded}, but waits until no step is known to be missing. */
  onceOpen<T>(project: (account: Account) => Observable<T>): Observable<T> {
    return this.onceLoaded((account) => this.#gate.opened$.pipe(switchMap(() => project(account))));
  }

  /**
   * Applies a change that the application requested, in its place among the responses, even if they arrive while the
   * account is being loaded. Completes when durable; unsubscribing does not cancel it.
   */
  change(type: "track" | "untrack" | "invalidate", users: readonly UserId[]): Observable<never> {
    return this.#inPlace(() => {
      const held = this.#account?.calls.hold();
      return ({ calls }) => calls.apply(type, users, held);
    });
  }

  /** Like {@link change}, for events of an extension. */
  commitEvents(events: ExtensionEvents): Observable<never> {
    return this.#inPlace(() => (account) => account.commitEvents(events));
  }

  #inPlace(begin: () => (account: Account) => Observable<never>): Observable<never> {
    return this.#untilClosed(
      new Observable<never>((subscriber) => {
        if (this.#over !== undefined) {
          subscriber.error(this.#over);
          return;
        }
        let hasFailed = false;
        const apply = begin();
        this.#gate.pass(() => {
          if (!hasFailed && this.#account !== undefined) apply(this.#account).subscribe(subscriber);
        });
        const loading = this.#account$.subscribe({
          error: (error: unknown) => {
            hasFailed = true;
            subscriber.error(error);
          },
        });
        subscriber.add(loading);
        // A gate that fails drops waiting calls.
        subscriber.add(
          this.#gate.opened$.subscribe({
            error: (error: unknown) => {
              subscriber.error(error);
            },
          }),
        );
      }),
    );
  }

  /** Mirrors a stream until the tracker is closed, then completes; completes at once if it is already closed. */
  alive<T>(source$: Observable<T>): Observable<T> {
    return defer(() => {
      if (this.#over instanceof TrackerClosedError) return EMPTY;
      return source$.pipe(takeUntil(this.#closed$));
    });
  }

  close(): void {
    if (this.#over instanceof TrackerClosedError) return;
    const error = new TrackerClosedError();
    this.#over = error;
    // Notify all callers before ending what they wait for: a caller that is not notified yet must not get half an
    // answer, or send what was queued.
    this.#account?.parts.queries.close();
    this.#connections$.value?.unsubscribe();
    this.#closing$.next();
    this.#opening.close();
    this.#gate.fail(error);
    this.#account?.close(error);
    this.#closed$.next();
    this.outputs.finish("complete");
  }

  /** Fails with the error of the end if the tracker is closed in the meantime. */
  #untilClosed<T>(source$: Observable<T>): Observable<T> {
    return defer(() => {
      let isDone = false;
      const failed$ = this.#closing$.pipe(
        switchMap(() => (isDone ? EMPTY : throwError(() => this.#over))),
        ignoreElements(),
      );
      return new Observable<T>((subscriber) => {
        subscriber.add(failed$.subscribe(subscriber));
        subscriber.add(
          source$
            .pipe(
              finalize(() => {
                isDone = true;
              }),
            )
            .subscribe(subscriber),
        );
      });
    });
  }

  #end(connection: Connection, end: End): void {
    if (connection.closed) return;
    connection.unsubscribe();
    const reason =
      end === "complete"
        ? "completed"
        : `failed: ${end.error instanceof Error ? end.error.message : String(end.error)}`;
    const message = `the sync stream ${reason}; lookups go on from the last step applied`;
    // The streams end first: a subscriber of the report may connect again.
    this.outputs.responses.end(end, this.#account?.chain.failing === true);
    this.outputs.report({ type: "sync-ended", ...(end !== "complete" && { error: end.error }), message });
  }

  #storeCleared(error: StoreClearedError): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    this.outputs.report({
      type: "store-cleared",
      message: "the device store was cleared: this tracker has nothing to go on with, make a new one",
    });
    this.#gate.fail(error);
    this.#account?.stop(error);
    this.#connections$.value?.unsubscribe();
    this.#opening.close();
    this.outputs.responses.finish({ error });
  }

  /**
   * Reads the saved state, once for all waiting callers. Changes that arrive in the meantime are applied before any
   * caller goes on.
   */
  #load(): Observable<Account> {
    return this.#opening.open().pipe(
      map((opened) => this.#start(opened)),
      finalize(() => {
        if (this.#account === undefined) this.#opening.close();
      }),
      // A subscriber that unsubscribes from inside the emission does not reset it: a second load would lose what has
      // been applied since.
      share({
        connector: () => new ReplaySubject(1),
        resetOnComplete: false,
        resetOnRefCountZero: () => (this.#account === undefined ? of(0) : NEVER),
      }),
    );
  }

  /** In its place among waiting changes, since memory's token is not reliable while a gap is being closed. */
  #adopt(saved: SavedAccount, store: DeviceStore): void {
    this.#gate.pass(() => {
      this.#account?.adopt(saved, store);
      this.#opening.follow();
    });
  }

  #start({ saved, store }: Opened): Account {
    const { outputs } = this;
    return outputs.emissions.batch(() => {
      const account = new Account(saved, store, this.#settings, {
        outputs,
        extensions: this.#extensions,
        name: this.#name,
        gate: this.#gate,
        connection: () => (this.isConnected ? this.#connections$.value : undefined),
        closed$: this.#closed$,
        storeCleared: (error) => {
          this.#storeCleared(error);
        },
      });
      this.#account = account;
      this.#opening.follow();
      outputs.emissions.enqueue(() => {
        this.#loaded$.next(account);
      });
      // If an announcement in the meantime opened a gap, or showed that memory is behind, the gate opens when that is
      // over.
      if (!account.tracking.inDoubt) this.#gate.open();
      return account;
    });
  }
}
