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
 * const sync$ = syncResponses(http, { since$: store.syncToken$ }).pipe(inOneTab(`sync/${userId}`));
 * const tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$ });
 * tracker.connect();
 * tracker.caughtUp$.pipe(take(1), switchMap(() => tracker.getDeviceKeys(roomMembers))).subscribe(encryptFor);
 */
export class DeviceTracker {
  /**
   * Hot: users whose lists changed and users who left, as the server announced them to this tab or another, after
   * lookups reflect it. Never fails; completes with {@link close}.
   */
  readonly deviceChanges$: Observable<DeviceChanges>;
  /**
   * The set of tracked users, replayed, and again whenever it is another one. Silent until the saved state is loaded.
   * Never fails; completes with {@link close}.
   */
  readonly trackedUsers$: Observable<ReadonlySet<UserId>>;
  /**
   * Emits once the first step of the current connection has been applied; replays, and starts over with each
   * connection. In a tab whose stream is silent because another tab syncs, that tab being caught up counts.
   */
  readonly caughtUp$: Observable<void>;
  /**
   * Hot: each response of this tab's stream, and each step that another tab committed (`since`, `next_batch`,
   * `device_lists`), as soon as lookups reflect it. Ends as the sync stream does; subscribe again for the next
   * connection. As {@link problems$} reports the end, a subscriber need not handle its error.
   *
   * Another engine of the application gets `device_lists` from here: earlier, a lookup would give it a removed device
   * from the cache.
   */
  readonly applied$: Observable<SyncResponse>;
  /**
   * Hot: the same responses once their changes are durable; only `since`, `next_batch` and `device_lists`. Ends as the
   * sync stream does, and with {@link StoreOwnerError} or {@link StoreClearedError} if the store is not ours (any
   * more); subscribe again for the next connection. As {@link problems$} reports the end, a subscriber need not handle
   * its error.
   */
  readonly synced$: Observable<SyncResponse>;
  /** Hot: what went wrong and what was done about it. Never fails; completes with {@link close}. */
  readonly problems$: Observable<TrackerProblem>;
  /**
   * Hot: what each saved answer changed in its user's list, whichever tab queried. Answers that change nothing emit
   * nothing, and nothing is emitted before it is durable. Never fails; completes with {@link close}.
   */
  readonly deviceUpdates$: Observable<DeviceUpdate>;
  /**
   * What the tracker is doing: the current counts first, then, at most once in each task of the page, whenever they
   * change. Never fails; completes with {@link close}.
   * @example
   * tracker.activity$.subscribe(({ fetched, toFetch }) => Object.assign(progressBar, { value: fetched, max: toFetch }));
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
   * Starts applying sync responses; unsubscribing stops. Before it, only lookups read or query anything. After a
   * log-out (`clear()`) the returned subscription is closed already.
   *
   * When the stream ends, or the connection is unsubscribed, lookups go on from the last step applied, and one may
   * connect again.
   * @throws {AlreadyConnectedError} while another connection of this tracker is open
   * @throws {TrackerClosedError} after {@link close}
   */
  connect(): Subscription {
    if (this.#session.isConnected) throw new AlreadyConnectedError();
    return this.#session.connect();
  }

  /**
   * The device lists of these users, one entry for every user in the order given: one value, then completion. Cold; the
   * iterable is read when the method is called.
   *
   * 1. A tracked user whose list is not outdated is answered from memory or, all in one read, from the store.
   * 2. Any other user is answered by the query in flight for them, shared by all of its callers, or by a new one. New
   *    queries of one call travel in as few requests as `maxUsersPerQuery` allows.
   * 3. A change that arrives in the meantime supersedes a query: callers that were waiting get its answer, marked
   *    `superseded`; a caller from then on gets a new query.
   * 4. A homeserver that failed is remembered for a minute, doubling to ten; until it answers, its users of whom a list
   *    is known are `unreachable` at once, with that list as `lastKnown`, and are queried in the background.
   *
   * Fails if a request fails, once the others are done (with the error of the {@link KeysApi}, {@link
   * InvalidResponseError} or {@link QueryTimedOutError}; the next call queries again), and with {@link
   * StoreOwnerError}, {@link StoreClearedError} or {@link TrackerClosedError}. Unsubscribing aborts the requests that
   * no other caller waits for.
   * @param options.forceDownload skips the cache, and waits for every homeserver @default false
   * @param options.timeout how long the homeserver may wait for other homeservers, in ms, in the queries that this call
   *   starts; the spec recommends 10 000
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
   * What is saved for these users, without querying the server: one value, then completion. Users without a list are
   * absent, others `current` or `outdated`. If the store cannot be read, what memory has is emitted, and the failure is
   * reported on `problems$`.
   */
  getKnownDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser> {
    const wanted = distinctUsers(users);
    return this.#session.onceLoaded(({ parts }) => parts.lookup.known(wanted));
  }

  /**
   * The device lists of these users, live: all of them once every user has been looked up, and again after every
   * change.
   *
   * A change, a failed query or a refused save emits at once, with the list as it was and its new freshness; no user is
   * shown as `current` who is not. A user who could not be queried is retried after 2 s, doubling to 5 min. Never fails
   * and never completes before {@link close}: what goes wrong is reported on `problems$`.
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
   * Tracks users: those who are not tracked become tracked and outdated, the others stay as they are. Cold; completes
   * when it is durable.
   *
   * An initial sync announces no users: pass the members of the encrypted rooms that the account is in already, once;
   * and again when `problems$` reports a `gap` that could not be closed.
   */
  track(users: Iterable<UserId>): Observable<void> {
    return this.#session.change("track", distinctUsers(users));
  }

  /**
   * Users who are no longer tracked, until they are announced or tracked again. Our own user stays tracked. Cold;
   * completes when it is durable.
   */
  untrack(users: Iterable<UserId>): Observable<void> {
    return this.#session.change("untrack", distinctUsers(users));
  }

  /**
   * Outdates the lists of these users; those who are not tracked stay untracked. Cold; completes when it is durable.
   */
  invalidate(users: Iterable<UserId>): Observable<void> {
    return this.#session.change("invalidate", distinctUsers(users));
  }

  /**
   * The devices in the saved lists that claim this key, to find the sender of a message. Nobody proves to own a
   * curve25519 key, so with more than one claimant, attribute the message to none, whichever came first. Unsigned
   * devices claim nothing. If there are many claimants, some are returned: up to 16 users with up to 8 devices each,
   * but never a single device. One value, then completion; fails if the store cannot be read.
   * @param algorithm `curve25519` or `ed25519`; no device is found by any other
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
    return this.#session.onceLoaded(({ parts }) =>
      known === undefined ? of([]) : parts.index.claimants(known, publicKey),
    );
  }

  /**
   * Whether the sender of a decrypted event is the device that it claims to be: its curve25519 key belongs to exactly
   * one known device, which is one of that user's, has signed its keys, and has the ed25519 key, too. One value, then
   * completion; never queries the server. Fails if the store cannot be read.
   *
   * Matrix spec, client-server API, "Verification of the sending user for incoming events".
   * @example
   * tracker.findSender({ userId: event.sender, curve25519: senderKey, ed25519: payload.keys.ed25519 });
   * // { state: "device", deviceId: "JLAFKJWSCS", deviceStatus: {…}, identity: {…}, freshness: "current", claimants: […] }
   */
  findSender(claim: SenderClaim): Observable<SenderStatus> {
    if (!isObject(claim)) throw new TypeError(`claim should be what an event says of its sender, not ${shown(claim)}`);
    const { userId, curve25519 } = claim;
    // The sender of the event wrote them: nonsense is no error of the application.
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
   * Why a device is trusted as far as it is: the chain of keys and signatures from our own confirmed master key to the
   * device, with the bytes that each signature covers, so that another program can check it again. One value, then
   * completion; never queries the server. Fails if the store cannot be read.
   * @example
   * tracker.explain("@bob:example.org", "JLAFKJWSCS");
   * // { trust: "cross-signed", weakest: { kind: "master", evidence: "seen", … }, links: [master, self-signing, device] }
   */
  explain(userId: UserId, deviceId: DeviceId): Observable<TrustChain> {
    requireUserId(userId);
    requireText("deviceId", deviceId);
    return this.#session.onceLoaded((account) => account.explain(userId, deviceId));
  }

  /**
   * What became of a user's keys, the oldest event first: which keys were seen, which replaced others and why, and
   * whether one that had been replaced came back. At most 200 events; those of devices make room first. One value, then
   * completion; fails if the store cannot be read.
   */
  keyHistory(userId: UserId): Observable<readonly KeyEvent[]> {
    requireUserId(userId);
    return this.#session.onceLoaded((account) => account.known(userId).pipe(map(({ pins }) => pins.history ?? [])));
  }

  /**
   * Acknowledges an identity that has changed or is unknown: from now on this master key is the user's. Cold; completes
   * when it is durable, and goes on when it is unsubscribed.
   *
   * A person must have been warned; if our own identity has changed, we must have caused it. Fails with {@link
   * IdentityChangedError} if the user has another master key in the meantime.
   * @param masterKey the public key that was shown, `identity.masterKey`; `undefined` if the user had none
   */
  acknowledgeIdentity(userId: UserId, masterKey: string | undefined): Observable<void> {
    requireUserId(userId);
    if (masterKey !== undefined) requirePublicKey("masterKey", masterKey);
    return detached(this.#session.onceOpen((account) => account.acknowledgeIdentity(userId, masterKey)));
  }

  /**
   * Acknowledges another ed25519 key of a device: from now on it is this device ID's, such as that of a bot that lost
   * its store and kept its device ID. Cold; completes when it is durable, and goes on when it is unsubscribed.
   *
   * A person must have confirmed the key: until then the device is refused (`key-changed`). The user becomes outdated,
   * so that the next lookup accepts the device.
   * @param ed25519Key the device's public key, 32 bytes in unpadded base64
   */
  acknowledgeDevice(userId: UserId, deviceId: DeviceId, ed25519Key: string): Observable<void> {
    requireUserId(userId);
    requireText("deviceId", deviceId);
    requirePublicKey("ed25519Key", ed25519Key);
    return this.#editDevices(userId, (at) => acknowledgingDevice(deviceId, ed25519Key, at));
  }

  /**
   * Forgets a device, its keys and its place in the saved list, once a person has confirmed that it may: a device of
   * that ID is then a new one, whatever its keys. The user becomes outdated. Cold; completes when it is durable, and
   * goes on when it is unsubscribed.
   */
  forgetDevice(userId: UserId, deviceId: DeviceId): Observable<void> {
    requireUserId(userId);
    requireText("deviceId", deviceId);
    return this.#editDevices(userId, (at) => forgettingDevice(deviceId, at));
  }

  /**
   * This master key is our own, whatever the server says: a person has compared it with another of our devices, or has
   * just made it. From then on users whom our user-signing key has signed are `verified`, as long as the server gives
   * this very identity. Works before the first lookup, and after another key was pinned. Cold; completes when it is
   * durable, and goes on when it is unsubscribed.
   * @param masterKey the public key, 32 bytes in unpadded base64
   */
  confirmOwnIdentity(masterKey: string): Observable<void> {
    requirePublicKey("masterKey", masterKey);
    return detached(this.#session.onceOpen((account) => account.confirmOwnIdentity(masterKey)));
  }

  /**
   * Forgets that a user was verified (`identity.wasVerified`), once a person has been warned that they are not any
   * more: policies do not leave them out for it any longer. Cold; completes when it is durable, and goes on when it is
   * unsubscribed.
   */
  withdrawVerification(userId: UserId): Observable<void> {
    requireUserId(userId);
    return detached(this.#session.onceOpen((account) => account.withdrawVerification(userId)));
  }

  /**
   * Ends everything: the connection, requests, timers and subscriptions. Commits that are queued get one last try.
   * Pending lookups and every later call fail with {@link TrackerClosedError}; streams, watchers among them, complete.
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
