import {
  catchError,
  defer,
  EMPTY,
  filter,
  ignoreElements,
  map,
  merge,
  NEVER,
  of,
  ReplaySubject,
  share,
  Subject,
  Subscription,
  switchMap,
  throwError,
  toArray,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { AlreadyConnectedError, StoreClearedError, StoreOwnerError } from "./model/errors.js";
import { checkServerTimeout, complete, distinctUsers, type DeviceTrackerOptions } from "./tracker/options.js";
import { platformVerifier } from "./ed25519/platform-verifier.js";
import { isPublicKey } from "./trust/cross-signing-key.js";
import { KEY_ALGORITHMS } from "./keys/device-key.js";
import { strictVerifier } from "./trust/signature-verifier.js";
import { loadedAccount, type AccountSurroundings, type LoadedAccount } from "./tracker/loaded-account.js";
import { isUserId, type DeviceId, type UserId } from "./model/ids.js";
import type { TrackerProblem } from "./model/problems.js";
import type { DeviceChanges, DeviceKeysByUser } from "./model/results.js";
import type { DeviceUpdate } from "./model/updates.js";
import type { SyncResponse } from "./model/wire.js";
import { Queries } from "./query/queries.js";
import { RecentQueries } from "./query/recent-queries.js";
import { settle } from "./query/process-response.js";
import { watchDeviceKeys } from "./lookup/watch-device-keys.js";
import type { DeviceStore } from "./store/device-store.js";
import { loadAccount, type SavedAccount } from "./store/load.js";
import { memoryStore } from "./store/memory-store.js";
import { withStoreDeadline } from "./store/store-deadline.js";
import { Connection, Synced, type End } from "./tracker/connection.js";
import { Emissions } from "./tracker/emission-queue.js";
import { Gate } from "./tracker/gate.js";
import { isGap } from "./sync/catch-up.js";
import { refusedIds } from "./sync/refused-ids.js";
import { parseStep, type Step } from "./sync/step.js";
import { TrackedUsers } from "./sync/tracked-users.js";

/**
 * Knows the current keys of every device of every user we share an encrypted room with.
 *
 *     sync$            ──s1───────s2(bob changed)──────────────
 *     getDeviceKeys(bob)    q·····×·······a(superseded)
 *     getDeviceKeys(bob)              q···········b(current)
 *     getDeviceKeys(bob)                               b(current), from the cache
 *
 * Matrix spec, client-server API, end-to-end encryption module, "Tracking the device list for a user".
 *
 * @example
 * const http = matrixHttp({ homeserverUrl, accessToken });
 * const store = idbStore(`devices/${userId}`);
 * const tracker = new DeviceTracker({
 *   userId, store, keysApi: axiosKeysApi(http), sync$: syncResponses(http, { since$: store.syncToken$ }),
 * });
 * tracker.connect();
 * // Until the first step of a connection, `current` is as of the saved token: wait for it before the first sending.
 * tracker.synced$.pipe(take(1), switchMap(() => tracker.getDeviceKeys(roomMembers))).subscribe(encryptFor);
 */
export class DeviceTracker {
  /** Hot: users whose lists changed and users who left, as the server announced them, after lookups reflect it. Never fails, never completes. */
  readonly deviceChanges$: Observable<DeviceChanges>;
  /** The set of tracked users, replayed, and again whenever it changes. Never fails, never completes; silent until the saved state is loaded. */
  readonly trackedUsers$: Observable<ReadonlySet<UserId>>;
  /**
   * Hot: each sync response, in order, once its changes are durable. Ends as the sync stream of the current connection does, and with {@link StoreOwnerError} or
   * {@link StoreClearedError} where the store is not ours (any more); subscribe again for the next connection.
   */
  readonly synced$: Observable<SyncResponse>;
  /** Hot: what went wrong and what was done about it. Never fails, never completes. */
  readonly problems$: Observable<TrackerProblem>;

  /**
   * Hot: what each answer that was saved changed in its user's list. In the tab whose query it was; others see the list itself. Answers that change nothing emit nothing, and
   * nothing is emitted before it is durable. Never fails, never completes.
   */
  readonly deviceUpdates$: Observable<DeviceUpdate>;

  readonly #userId: UserId;
  readonly #sync$: Observable<SyncResponse>;
  readonly #scheduler: SchedulerLike;
  readonly #surroundings: Pick<
    AccountSurroundings,
    "userId" | "keysApi" | "scheduler" | "maxListsInMemory" | "unsignedDevices" | "storeDeadline" | "queryDeadline"
  >;
  readonly #emissions = new Emissions();
  readonly #recent = new RecentQueries();
  readonly #problems$ = new Subject<TrackerProblem>();
  readonly #updates$ = new Subject<DeviceUpdate>();
  readonly #tracked: TrackedUsers;
  readonly #queries: Queries;
  readonly #loading$: Observable<LoadedAccount>;
  /** Open when the saved state is there and no step is missing. */
  readonly #gate = new Gate<LoadedAccount>();
  readonly #started$ = new ReplaySubject<void>(1);
  readonly #report = (problem: TrackerProblem): void => {
    this.#emissions.push(() => {
      this.#problems$.next(problem);
    });
  };
  #loaded: LoadedAccount | undefined;
  #cleared = false;
  #synced = new Synced();
  #connection: Connection | undefined;

  constructor(options: DeviceTrackerOptions) {
    const {
      userId,
      sync$,
      keysApi,
      store,
      scheduler,
      maxUsersPerQuery,
      maxConcurrentQueries,
      queryDeadline,
      storeDeadline,
      maxListsInMemory,
      unsignedDevices,
      verifier,
    } = complete(options);
    this.#userId = userId;
    this.#sync$ = sync$;
    this.#scheduler = scheduler;
    this.#surroundings = {
      userId,
      keysApi,
      scheduler,
      maxListsInMemory,
      unsignedDevices,
      storeDeadline,
      queryDeadline,
    };
    const checkedVerifier =
      verifier === undefined
        ? platformVerifier({
            onFallback: (error) => {
              this.#reportSlowSignatures(error);
            },
          })
        : strictVerifier(verifier);
    this.#queries = new Queries(
      {
        keysApi,
        recent: this.#recent,
        ownUserId: userId,
        scheduler,
        queryDeadline,
        revisionOf: (user) => this.#tracked.get(user)?.revision,
        settle: (answered, request) => {
          if (this.#loaded === undefined) return EMPTY;
          const { memory, lists, saver } = this.#loaded;
          return settle(answered, request, {
            memory,
            lists,
            saver,
            verifier: checkedVerifier,
            ownUserId: userId,
            unsignedDevices,
            deadline: queryDeadline,
            scheduler,
            report: this.#report,
          });
        },
      },
      { maxUsersPerQuery, maxConcurrentQueries },
    );
    this.#tracked = new TrackedUsers(userId, this.#emissions, {
      supersede: ({ invalidated, left }) => {
        this.#queries.supersede(invalidated);
        this.#queries.supersede(left);
        this.#loaded?.memory.forget(left);
      },
      sendWaiting: () => {
        this.#queries.send();
      },
    });
    this.#loading$ = this.#load(withStoreDeadline(store, storeDeadline, scheduler));
    this.deviceChanges$ = this.#tracked.invalidations$.pipe(
      filter(({ announced }) => announced),
      map(({ invalidated, left }) => ({ changed: invalidated, left })),
    );
    // Where the state cannot be loaded now (another account's store), it may be later.
    this.trackedUsers$ = merge(
      this.#started$,
      defer(() => this.#ready()).pipe(
        ignoreElements(),
        catchError(() => EMPTY),
      ),
    ).pipe(switchMap(() => this.#tracked.set$));
    this.synced$ = defer(() => (this.#cleared ? throwError(() => new StoreClearedError()) : this.#synced.responses$));
    this.problems$ = this.#problems$.asObservable();
    this.deviceUpdates$ = this.#updates$.asObservable();
  }

  /**
   * Starts applying sync responses; unsubscribing stops. Nothing but lookups reads or asks anything before it. After a log-out (`clear()`) there is nothing to
   * connect to: what it gives is closed already.
   *
   * When the stream ends, or the connection is unsubscribed, lookups go on from the last step applied, and one may connect again.
   * @throws {AlreadyConnectedError} while another connection of this tracker is open
   */
  connect(): Subscription {
    if (this.#connection?.closed === false) throw new AlreadyConnectedError();
    const connection = new Connection(this.#synced, this.#emissions);
    this.#connection = connection;
    if (this.#cleared) {
      connection.unsubscribe(); // lookups and synced$ say why
      return connection;
    }
    const end = (notification: End) => {
      if (connection.closed) return;
      this.#synced = new Synced(); // whoever subscribes from now on waits for the next connection
      connection.end(notification);
      if (this.#loaded?.writes.failing === true) connection.storeFails();
    };
    connection.add(
      this.#ready().subscribe({
        error: (error: unknown) => {
          this.#gate.fail(error); // what was given is of an account that is not the store's
          end({ error });
        },
      }),
    );
    if (connection.closed) return connection;
    connection.add(
      this.#sync$.subscribe({
        next: (response) => {
          this.#gate.pass((loaded) => {
            this.#apply(response, loaded, connection);
          });
        },
        error: (error: unknown) => {
          this.#gate.pass(() => {
            end({ error });
          });
        },
        complete: () => {
          this.#gate.pass(() => {
            end("complete");
          });
        },
      }),
    );
    return connection;
  }

  /**
   * The device lists of these users, one entry for every user in the order asked: one value, then completion. Cold: users are read from the iterable at once, everything else
   * happens at each subscription.
   *
   * 1. A tracked user whose list is not outdated is answered from memory or, all in one read, from the store.
   * 2. Anybody else is answered by the query that is in flight for them, shared by all who wait for it, or by a new one. New queries of one call travel
   *    in as few requests as `maxUsersPerQuery` allows.
   * 3. A change that arrives meanwhile supersedes a query: those who were waiting get its answer, marked `superseded`; whoever asks from then on gets a new query.
   *
   * Fails where a request fails (with the error of the {@link KeysApi}, {@link InvalidResponseError} or {@link QueryTimedOutError}; the next call asks again) and with
   * {@link StoreOwnerError} or {@link StoreClearedError}. Unsubscribing aborts the requests that nobody else waits for.
   * @param options.forceDownload skips the cache @default false
   * @param options.timeout how long the homeserver may wait for other homeservers, in ms, in the queries that this call starts; the spec recommends 10 000
   * @example
   * tracker.getDeviceKeys(["@bob:example.org"]).subscribe((users) => {
   *   users.get("@bob:example.org"); // { deviceKeys: Map { "JLAFKJWSCS" => {…} }, freshness: "current", … }
   * });
   */
  getDeviceKeys(
    users: Iterable<UserId>,
    options: { readonly forceDownload?: boolean; readonly timeout?: number } = {},
  ): Observable<DeviceKeysByUser> {
    const wanted = distinctUsers(users);
    const { timeout } = options;
    if (timeout !== undefined) checkServerTimeout(timeout);
    return this.#ready().pipe(
      switchMap(({ lookup }) =>
        lookup.gather(wanted, options, "throw").pipe(map(({ answers }) => lookup.result(wanted, answers))),
      ),
    );
  }

  /**
   * What is saved for these users, without asking anyone: one value, then completion. Users never fetched are absent, others `current` or `outdated`.
   * Where the store cannot be read, what memory has is given, and the failure is reported on `problems$`.
   */
  getKnownDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser> {
    const wanted = distinctUsers(users);
    return this.#ready().pipe(switchMap(({ lookup }) => lookup.known(wanted)));
  }

  /**
   * The device lists of these users, live: all of them once everybody has been looked up, and again after every change that alters a list.
   *
   * Never fails and never completes: what goes wrong is told on `problems$`. A user who could not be asked for (then `unreachable`) is asked for again after 30 s, doubling to 30 min,
   * and so is one who is announced within 10 s of our query: some servers announce users because they were asked for.
   */
  watchDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser> {
    const wanted = distinctUsers(users);
    return this.#ready().pipe(
      catchError((error: unknown) => {
        this.#report({
          type: "watch-failed",
          userIds: wanted,
          error,
          retryIn: undefined,
          message: "the watched users cannot be looked up with this store",
        });
        return NEVER;
      }),
      switchMap(({ lookup, memory, lists }) =>
        watchDeviceKeys(wanted, {
          tracked: this.#tracked,
          memory,
          lists,
          lookup,
          recent: this.#recent,
          scheduler: this.#scheduler,
          report: this.#report,
        }),
      ),
    );
  }

  /**
   * Tracks users: who was not tracked becomes tracked and outdated, others stay as they are. Cold; emits nothing, completes when it is durable.
   *
   * An initial sync announces nobody: the members of the encrypted rooms that an account is in already are handed over here, once.
   */
  track(users: Iterable<UserId>): Observable<void> {
    const given = distinctUsers(users);
    return this.#ready("passed$").pipe(
      switchMap(({ steps }) => {
        this.#reportRefusedIds(
          "track",
          given.filter((user) => !isUserId(user)),
        );
        return steps.track(given.filter(isUserId));
      }),
    );
  }

  /**
   * Every device that says it has this key, in the lists that are saved: whose message is it? Nobody proves to own a curve25519 key, so that more than one claimant means:
   * attribute it to nobody, whoever came first. Of one user's devices with one key, the first 8 are given. One value, then completion; fails where the store cannot be read.
   * @param algorithm `curve25519` or `ed25519`; by any other nobody is found
   * @param publicKey unpadded base64
   * @example
   * tracker.findDevice("curve25519", senderKey).subscribe(([device, ...others]) => {
   *   if (device !== undefined && others.length === 0) attribute(device); // { userId: "@bob:example.org", deviceId: "JLAFKJWSCS" }
   * });
   */
  findDevice(
    algorithm: string,
    publicKey: string,
  ): Observable<readonly { readonly userId: UserId; readonly deviceId: DeviceId }[]> {
    const known = KEY_ALGORITHMS.find((one) => one === algorithm);
    return this.#ready().pipe(
      switchMap(({ lists }) => (known === undefined ? of([]) : lists.claimants(known, publicKey))),
    );
  }

  /**
   * Acknowledges a changed identity: from now on this master key is the user's. Cold; emits nothing, completes when it is durable.
   *
   * A person must have been told of the change; for our own identity, it must have been us. Fails with {@link IdentityChangedError} where the user has another master key by now.
   * @param masterKey the public key that was shown, `identity.masterKey`
   */
  acknowledgeIdentity(userId: UserId, masterKey: string): Observable<void> {
    if (!isPublicKey(masterKey))
      throw new TypeError(
        `masterKey should be an ed25519 public key in unpadded base64, not ${JSON.stringify(masterKey)}`,
      );
    return this.#ready().pipe(switchMap(({ saver }) => saver.acknowledge(userId, masterKey)));
  }

  #apply(response: unknown, loaded: LoadedAccount, connection: Connection): void {
    const step = parseStep(response, this.#userId);
    // Whoever is told of a step in the middle of it, and gives the next one, must find this one followed already.
    this.#emissions.hold(() => {
      if (step.refusal !== undefined) {
        this.#report({
          type: "sync-response-refused",
          error: step.refusal,
          message: `${step.refusal.message}; as it may hide changes, every device list became outdated`,
        });
      }
      this.#reportRefusedIds("device_lists", step.refusedIds);
      if (!isGap(step, this.#tracked.token)) this.#follow(step, loaded, connection);
      // The account's first: there is no token to ask from, and whatever was fetched before it may be older than it.
      else if (step.since === null && this.#tracked.token === undefined)
        this.#follow({ ...step, everyone: true }, loaded, connection);
      else this.#closeGap(step, loaded, connection);
    });
  }

  #follow(step: Step, { steps }: LoadedAccount, connection: Connection): void {
    connection.follow(steps.apply(step, () => this.#queries.askedFor()));
  }

  /** While it is being closed, steps and lookups wait, and what lookups are waiting for already is not called current. */
  #closeGap(step: Step, loaded: LoadedAccount, connection: Connection): void {
    this.#gate.close();
    const asked = this.#queries.askedFor().filter((userId) => this.#tracked.get(userId) !== undefined);
    this.#tracked.doubt(asked);
    this.#queries.supersede(asked);
    this.#queries.send();
    loaded
      .closeGap(step)
      .pipe(toArray())
      .subscribe({
        next: (steps) => {
          this.#emissions.hold(() => {
            this.#tracked.trust();
            for (const closed of steps) {
              if (closed.response === undefined) this.#reportRefusedIds("keys_changes", closed.refusedIds);
              this.#follow(closed, loaded, connection);
            }
            this.#gate.open(loaded);
          });
          this.#gate.release(loaded);
        },
        error: () => {
          loaded.writes.close(); // the store was found cleared
        },
      });
  }

  #tellUpdate(update: DeviceUpdate): void {
    this.#emissions.push(() => {
      this.#updates$.next(update);
    });
  }

  #reportSlowSignatures(error: unknown): void {
    this.#report({
      type: "slow-signatures",
      error,
      message:
        "this platform has no ed25519: signatures are verified in JavaScript, which takes 10 to 15 times as long",
    });
  }

  #reportRefusedIds(...refused: Parameters<typeof refusedIds>): void {
    const problem = refusedIds(...refused);
    if (problem !== undefined) this.#report(problem);
  }

  #storeCleared(): void {
    const error = new StoreClearedError();
    const synced = this.#synced;
    this.#cleared = true;
    this.#report({
      type: "store-cleared",
      message: "the device store was cleared: this tracker has nothing to go on with, make a new one",
    });
    this.#gate.fail(error);
    this.#connection?.fail(error);
    this.#emissions.push(() => {
      synced.abandon(error);
    });
  }

  /** @param gate how missing steps are waited for: a lookup need not see the end of a row of gaps, for what it finds then is not called current */
  #ready(gate: "opened$" | "passed$" = "opened$"): Observable<LoadedAccount> {
    return defer(() => {
      if (this.#cleared) return throwError(() => new StoreClearedError());
      return this.#loading$.pipe(switchMap(() => this.#gate[gate]));
    });
  }

  /** Reads the saved state, once for all who wait for it; what was given meanwhile is applied before any of them goes on. */
  #load(store: DeviceStore): Observable<LoadedAccount> {
    const lifetime = `${this.#scheduler.now().toString(36)}.${Math.random().toString(36).slice(2)}`;
    const open = (opened: DeviceStore) =>
      loadAccount(opened, this.#userId, lifetime).pipe(map((account) => ({ store: opened, account })));
    return open(store).pipe(
      catchError((error: unknown) => {
        if (error instanceof StoreOwnerError) throw error;
        this.#report({
          type: "store-unavailable",
          error,
          message: "the device store cannot be used; memory stands in for it, and nothing is kept beyond this page",
        });
        return open(memoryStore());
      }),
      map(({ store: opened, account }) =>
        this.#emissions.hold(() => {
          const loaded = this.#start(opened, account);
          this.#gate.open(loaded);
          return loaded;
        }),
      ),
      // Reset when everyone has left before it is there, and when it failed: the next use reads again.
      // One who leaves from inside the emission does not reset it: a second load would forget what has been applied since the first.
      share({
        connector: () => new ReplaySubject(1),
        resetOnComplete: false,
        resetOnRefCountZero: () => (this.#loaded === undefined ? of(0) : NEVER),
      }),
    );
  }

  #start(store: DeviceStore, account: SavedAccount): LoadedAccount {
    const { token, users, damaged } = account;
    for (const [kind, ids] of damaged) {
      this.#report({
        type: "records-damaged",
        kind,
        ids,
        message: `${ids.length} saved record(s) of kind "${kind}" cannot be trusted: what they stood for counts as outdated`,
      });
    }
    const loaded = loadedAccount(store, account, {
      ...this.#surroundings,
      tracked: this.#tracked,
      queries: this.#queries,
      emissions: this.#emissions,
      writesTell: {
        commitFailed: (error, retryIn) => {
          this.#report({
            type: "commit-failed",
            error,
            retryIn,
            message: `changes could not be saved; lookups go on from memory, and it is tried again in ${retryIn / 1000} s`,
          });
          this.#connection?.storeFails();
        },
        cleared: () => {
          this.#storeCleared();
        },
        together: (action) => {
          this.#emissions.hold(action);
        },
      },
      updated: (update) => {
        this.#tellUpdate(update);
      },
      report: this.#report,
    });
    this.#loaded = loaded;
    this.#tracked.loaded(token, users);
    this.#emissions.push(() => {
      this.#started$.next();
    });
    return loaded;
  }
}
