import { catchError, defer, map, mergeMap, NEVER, of, type Observable, type Subscription } from "rxjs";
import { KEY_ALGORITHMS } from "./keys/device-key.js";
import { acknowledgingDevice, forgettingDevice, type UserEdit } from "./lists/user-edits.js";
import { watchDeviceKeys } from "./lookup/watch-device-keys.js";
import type { TrackerActivity } from "./model/activity.js";
import { AlreadyConnectedError, TrackerClosedError } from "./model/errors.js";
import { isUserId, type DeviceId, type UserId } from "./model/ids.js";
import { isObject } from "./model/json.js";
import type { KeyEvent } from "./model/key-event.js";
import type { TrackerProblem } from "./model/problems.js";
import type { DeviceChanges, DeviceKeysByUser } from "./model/results.js";
import { shown } from "./model/shown.js";
import type { DeviceUpdate } from "./model/updates.js";
import type { SyncResponse } from "./model/wire.js";
import {
  checkServerTimeout,
  distinctUsers,
  requirePublicKey,
  requireText,
  requireUserId,
} from "./tracker/arguments.js";
import { detached } from "./tracker/detached.js";
import { complete, type DeviceTrackerOptions } from "./tracker/options.js";
import { withReportedErrors } from "./tracker/reported-errors.js";
import { Session } from "./tracker/session.js";
import type { ExtendedTracker } from "./sync/sync-extension.js";
import { senderStatus, type SenderClaim, type SenderStatus } from "./trust/sender-status.js";
import type { TrustChain } from "./trust/trust-chain.js";

/**
 * Tracks the device lists of all users that share an encrypted room with us, and returns their current device keys.
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
 * const sync$ = syncResponses(http, { since$: store.syncToken$ }).pipe(inOneTab(`sync/${userId}`));
 * const tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$ });
 * tracker.connect();
 * tracker.caughtUp$.pipe(take(1), switchMap(() => tracker.getDeviceKeys(roomMembers))).subscribe(encryptFor);
 */
export class DeviceTracker {
  /**
   * Hot: emits the users that the server announced as changed or left, to this tab or another, once lookups reflect it.
   * Never fails; completes with {@link close}.
   */
  readonly deviceChanges$: Observable<DeviceChanges>;
  /**
   * Emits the set of tracked users, and again when it changes; replays. Silent until the saved state is loaded. Never
   * fails; completes with {@link close}.
   */
  readonly trackedUsers$: Observable<ReadonlySet<UserId>>;
  /**
   * Emits once the first step of the current connection has been applied. Replays, and starts over with each
   * connection. In a tab that is silent because another tab syncs, emits when that tab has caught up.
   */
  readonly caughtUp$: Observable<void>;
  /**
   * Hot: emits each response of this tab's stream, and each step that another tab committed (`since`, `next_batch`,
   * `device_lists`), as soon as lookups reflect it. Ends with the sync stream; subscribe again for the next connection.
   * Errors need not be handled here: {@link problems$} reports them.
   *
   * Another engine of the application should get `device_lists` from here. If it got them earlier, a lookup could still
   * return a removed device from the cache.
   */
  readonly applied$: Observable<SyncResponse>;
  /**
   * Hot: emits the same responses once their changes are durable; only `since`, `next_batch` and `device_lists`. Ends
   * with the sync stream, or with {@link StoreOwnerError} or {@link StoreClearedError} if the store is not, or no
   * longer, ours; subscribe again for the next connection. Errors need not be handled here: {@link problems$} reports
   * them.
   */
  readonly synced$: Observable<SyncResponse>;
  /** Hot: emits what went wrong and how it was handled. Never fails; completes with {@link close}. */
  readonly problems$: Observable<TrackerProblem>;
  /**
   * Hot: emits what each saved answer changed in its user's list, whichever tab queried, once durable. Answers that
   * change nothing emit nothing. Never fails; completes with {@link close}.
   */
  readonly deviceUpdates$: Observable<DeviceUpdate>;
  /**
   * Emits what the tracker is doing: the current counts on subscription, then again when they change, at most once per
   * task. Never fails; completes with {@link close}.
   * @example
   * tracker.activity$.subscribe(({ fetched, toFetch }) => {
   *   Object.assign(progressBar, { value: fetched, max: toFetch });
   * });
   */
  readonly activity$: Observable<TrackerActivity>;
  readonly #session: Session;

  constructor(options: DeviceTrackerOptions) {
    const completeOptions = complete(options);
    const session = new Session(completeOptions);
    this.#session = session;
    const { deviceChanges$, deviceUpdates$, problems$, responses, activity } = session.outputs;
    this.deviceChanges$ = deviceChanges$;
    this.deviceUpdates$ = deviceUpdates$;
    this.problems$ = problems$;
    this.activity$ = session.alive(activity.values(session.scheduler));
    this.trackedUsers$ = session.trackedUsers$;
    this.caughtUp$ = session.caughtUp$;
    this.applied$ = withReportedErrors(session.alive(responses.applied$));
    this.synced$ = withReportedErrors(session.alive(responses.synced$));
    for (const extension of completeOptions.extensions) extension.attach(this.#extended(extension.name));
  }

  /**
   * Starts applying sync responses. Unsubscribing stops; lookups then go on from the last step applied, as they do when
   * the stream ends, and `connect` may be called again. After a log-out (`clear()`), the returned subscription is
   * already closed.
   * @throws {AlreadyConnectedError} while another connection of this tracker is open
   * @throws {TrackerClosedError} after {@link close}
   */
  connect(): Subscription {
    if (this.#session.isConnected) throw new AlreadyConnectedError();
    return this.#session.connect();
  }

  /**
   * Looks up the device lists of these users. Cold; emits one map, with an entry for every user in the order given, and
   * completes. The iterable is read when the method is called.
   *
   * 1. A tracked user whose list is not outdated is answered from memory or, all in one read, from the store.
   * 2. Any other user is answered by their query in flight, which all callers share, or by a new one. New queries of
   *    one call are sent in as few requests as `maxUsersPerQuery` allows.
   * 3. A change that arrives in the meantime supersedes a query: waiting callers get its answer, marked `superseded`;
   *    later callers get a new query.
   * 4. A homeserver that failed is remembered for a minute, doubling to ten. Until it answers, its users with a known
   *    list are returned as `unreachable` at once, with that list as `lastKnown`, and queried in the background.
   *
   * If a request fails, the lookup fails once the other requests are done, with the error of the {@link KeysApi},
   * {@link InvalidResponseError} or {@link QueryTimedOutError}; the next call queries again. It also fails with {@link
   * StoreOwnerError}, {@link StoreClearedError} or {@link TrackerClosedError}. Unsubscribing aborts requests without
   * other callers.
   * @param options.forceDownload skips the cache, and waits for every homeserver @default false
   * @param options.timeout how long the homeserver may wait for other homeservers, in ms; applies to queries that this
   * call starts. The spec recommends 10 000
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
    if (options.timeout !== undefined) checkServerTimeout(options.timeout);
    return this.#session.onceOpen(({ parts }) => parts.lookup.get(wanted, options));
  }

  /**
   * Returns what is saved for these users, without querying the server. Emits one value and completes. Users without a
   * list are absent, the others `current` or `outdated`. If the store cannot be read, emits what memory has, and
   * reports the failure on `problems$`.
   */
  getKnownDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser> {
    const wanted = distinctUsers(users);
    return this.#session.onceLoaded(({ parts }) => parts.lookup.known(wanted));
  }

  /**
   * Watches the device lists of these users: emits all of them once every user has been looked up, and again after
   * every change.
   *
   * A change, a failed query or a refused save emits at once, with the previous list and its new freshness. A user is
   * never shown as `current` if they are not. A failed query is retried after 2 s, doubling to 5 min. Never fails, and
   * completes only with {@link close}; failures are reported on `problems$`.
   */
  watchDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser> {
    const wanted = distinctUsers(users);
    const { outputs, scheduler } = this.#session;
    const connected$ = outputs.responses.responded$;
    const watched$ = this.#session
      .onceOpen(({ tracking, parts, siblings: { savedElsewhere$ } }) =>
        watchDeviceKeys(wanted, { ...parts, tracking, savedElsewhere$, connected$, scheduler, report: outputs.report }),
      )
      .pipe(
        catchError((error: unknown) => {
          const message = "the watched users cannot be looked up with this store";
          if (!(error instanceof TrackerClosedError))
            outputs.report({ type: "watch-failed", userIds: wanted, error, retryIn: undefined, message });
          return NEVER;
        }),
      );
    return this.#session.alive(watched$);
  }

  /**
   * Tracks users. New ones become outdated, users that are already tracked stay as they are. Cold; completes when
   * durable.
   *
   * An initial sync announces no users: pass the members of the account's encrypted rooms once, and again when
   * `problems$` reports a `gap` that could not be closed.
   */
  track(users: Iterable<UserId>): Observable<void> {
    return this.#session.change("track", distinctUsers(users));
  }

  /**
   * Stops tracking users until they are announced or tracked again. Our own user stays tracked. Cold; completes when
   * durable.
   */
  untrack(users: Iterable<UserId>): Observable<void> {
    return this.#session.change("untrack", distinctUsers(users));
  }

  /** Marks the lists of these users as outdated. Untracked users stay untracked. Cold; completes when durable. */
  invalidate(users: Iterable<UserId>): Observable<void> {
    return this.#session.change("invalidate", distinctUsers(users));
  }

  /**
   * Finds the devices in the saved lists that claim this key, such as the sender of a message. Emits one value and
   * completes; fails if the store cannot be read.
   *
   * Ownership of a curve25519 key is not proven, so if there is more than one claimant, attribute the message to none.
   * Unsigned devices are not claimants. Of many claimants, up to 16 users with up to 8 devices each are returned, but
   * never a single device.
   * @param algorithm `curve25519` or `ed25519`; other algorithms find no device
   * @param publicKey unpadded base64
   * @example
   * tracker.findDevice("curve25519", senderKey).subscribe(([device, ...others]) => {
   *   // { userId: "@bob:example.org", deviceId: "JLAFKJWSCS" }
   *   if (device !== undefined && others.length === 0) attribute(device);
   * });
   */
  findDevice(
    algorithm: string,
    publicKey: string,
  ): Observable<readonly { readonly userId: UserId; readonly deviceId: DeviceId }[]> {
    const known = KEY_ALGORITHMS.find((one) => one === algorithm);
    return this.#session.onceLoaded(({ parts }) =>
      known === undefined ? of([]) : parts.index.claimants(known, publicKey),
    );
  }

  /**
   * Checks whether the sender of a decrypted event is the device that it claims to be: the curve25519 key must belong
   * to exactly one known device, and that device must be the user's, have signed its keys, and have the claimed ed25519
   * key. Emits one value and completes; never queries the server. Fails if the store cannot be read.
   *
   * Matrix spec, client-server API, "Verification of the sending user for incoming events".
   * @example
   * tracker.findSender({ userId: event.sender, curve25519: senderKey, ed25519: payload.keys.ed25519 });
   * // { state: "device", deviceId: "JLAFKJWSCS", deviceStatus: {…}, identity: {…}, freshness: "current", … }
   */
  findSender(claim: SenderClaim): Observable<SenderStatus> {
    if (!isObject(claim)) throw new TypeError(`claim should be what an event says of its sender, not ${shown(claim)}`);
    const { userId, curve25519 } = claim;
    // These come from the event's sender, so an invalid value is not an error of the application.
    if (!isUserId(userId) || typeof curve25519 !== "string") return of({ state: "unknown", claimants: [] });
    return this.#session.onceLoaded(({ parts }) =>
      parts.index
        .claimants("curve25519", curve25519)
        .pipe(
          mergeMap((claimants) =>
            parts.lookup.known([userId]).pipe(map((known) => senderStatus(claim, known.get(userId), claimants))),
          ),
        ),
    );
  }

  /**
   * Explains a device's trust: the chain of keys and signatures from our own confirmed master key to the device, with
   * the bytes that each signature covers, so that another program can check it. Emits one value and completes; never
   * queries the server. Fails if the store cannot be read.
   * @example
   * tracker.explain("@bob:example.org", "JLAFKJWSCS");
   * // { trust: "cross-signed", weakest: { kind: "master", evidence: "seen", … }, links: […] }
   */
  explain(userId: UserId, deviceId: DeviceId): Observable<TrustChain> {
    requireUserId(userId);
    requireText("deviceId", deviceId);
    return this.#session.onceLoaded((account) => account.explain(userId, deviceId));
  }

  /**
   * Returns what happened to a user's keys, oldest event first: keys that were seen, replaced (and why), or came back
   * after they had been replaced. At most 200 events; those of devices are dropped first. Emits one value and
   * completes; fails if the store cannot be read.
   */
  keyHistory(userId: UserId): Observable<readonly KeyEvent[]> {
    requireUserId(userId);
    return this.#session.onceLoaded((account) => account.known(userId).pipe(map(({ pins }) => pins.history ?? [])));
  }

  /**
   * Accepts an identity that has changed or is unknown: from now on, this master key is the user's. Cold; completes
   * when durable; unsubscribing does not cancel it.
   *
   * Call it only after a person has been warned or, for our own identity, if we caused the change. Fails with {@link
   * IdentityChangedError} if the user's master key has changed again.
   * @param masterKey the public key that was shown, `identity.masterKey`; `undefined` if the user had none
   */
  acknowledgeIdentity(userId: UserId, masterKey: string | undefined): Observable<void> {
    requireUserId(userId);
    if (masterKey !== undefined) requirePublicKey("masterKey", masterKey);
    return detached(this.#session.onceOpen((account) => account.acknowledgeIdentity(userId, masterKey)));
  }

  /**
   * Accepts another ed25519 key for a device ID, such as that of a bot that lost its store and kept its device ID.
   * Cold; completes when durable; unsubscribing does not cancel it.
   *
   * Call it only after a person has confirmed the key; until then the device is refused (`key-changed`). The user
   * becomes outdated, so the next lookup accepts the device.
   * @param ed25519Key the device's public key, 32 bytes in unpadded base64
   */
  acknowledgeDevice(userId: UserId, deviceId: DeviceId, ed25519Key: string): Observable<void> {
    requireUserId(userId);
    requireText("deviceId", deviceId);
    requirePublicKey("ed25519Key", ed25519Key);
    return this.#editDevices(userId, (at) => acknowledgingDevice(deviceId, ed25519Key, at));
  }

  /**
   * Forgets a device, its keys and its place in the saved list, after a person has confirmed it. A device with that ID
   * is then a new one, whatever its keys. The user becomes outdated. Cold; completes when durable; unsubscribing does
   * not cancel it.
   */
  forgetDevice(userId: UserId, deviceId: DeviceId): Observable<void> {
    requireUserId(userId);
    requireText("deviceId", deviceId);
    return this.#editDevices(userId, (at) => forgettingDevice(deviceId, at));
  }

  /**
   * Confirms that this master key is ours, whatever the server says. Call it after a person has compared it with
   * another of our devices, or has just created it. From then on, users that our user-signing key has signed are
   * `verified`, as long as the server returns this identity. Works before the first lookup, and after another key was
   * pinned. Cold; completes when durable; unsubscribing does not cancel it.
   * @param masterKey the public key, 32 bytes in unpadded base64
   */
  confirmOwnIdentity(masterKey: string): Observable<void> {
    requirePublicKey("masterKey", masterKey);
    return detached(this.#session.onceOpen((account) => account.confirmOwnIdentity(masterKey)));
  }

  /**
   * Forgets that a user was verified (`identity.wasVerified`), after a person has been warned that they no longer are.
   * Policies then stop leaving them out for it. Cold; completes when durable; unsubscribing does not cancel it.
   */
  withdrawVerification(userId: UserId): Observable<void> {
    requireUserId(userId);
    return detached(this.#session.onceOpen((account) => account.withdrawVerification(userId)));
  }

  /**
   * Closes the connection and ends all requests, timers and subscriptions. Queued commits get one last try. Pending
   * lookups and later calls fail with {@link TrackerClosedError}; all streams and watchers complete.
   */
  close(): void {
    this.#session.close();
  }

  #extended(name: string): ExtendedTracker {
    const session = this.#session;
    return {
      userId: session.userId,
      scheduler: session.scheduler,
      ready$: session.onceOpen(() => of(undefined)),
      get isReady() {
        return session.isOpen;
      },
      get token() {
        return session.token;
      },
      isTracked: (userId) => session.isTracked(userId),
      getDeviceKeys: (users) => this.getDeviceKeys(users),
      watchDeviceKeys: (users) => this.watchDeviceKeys(users),
      commit: (event) => defer(() => session.commitEvents({ [name]: [structuredClone(event)] })),
      alive: (source$) => session.alive(source$),
      emit: (action) => {
        session.outputs.emissions.batch(() => {
          session.outputs.emissions.enqueue(action);
        });
      },
      report: session.outputs.report,
    };
  }

  #editDevices(userId: UserId, editAt: (at: number) => UserEdit): Observable<never> {
    return detached(
      this.#session.onceOpen((account) => account.editDevices(userId, editAt(this.#session.scheduler.now()))),
    );
  }
}
