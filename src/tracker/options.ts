import { asyncScheduler, type Observable, type SchedulerLike } from "rxjs";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import type { UnsignedDevices } from "../trust/verify-list.js";
import type { UserId } from "../model/ids.js";
import type { SyncResponse } from "../model/wire.js";
import { shown } from "../model/shown.js";
import type { KeysApi } from "../query/keys-api.js";
import type { SyncExtension } from "../sync/sync-extension.js";
import type { DeviceStore } from "../store/device-store.js";
import { memoryStore } from "../store/memory-store.js";
import { requirePublicKey, requireUserId } from "./arguments.js";

export interface DeviceTrackerOptions {
  /** Our own user. */
  readonly userId: UserId;
  /**
   * Every sync response of this device, in order. What is needed of a response beyond `device_lists`, such as to-device
   * messages, must be saved before it is emitted here (`save` of `syncResponses`).
   */
  readonly sync$: Observable<SyncResponse>;
  readonly keysApi: KeysApi;
  /** @default memoryStore() */
  readonly store?: DeviceStore;
  /** Every timer and clock reading goes through it. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
  /** Larger requests time out on real servers. @default 250 */
  readonly maxUsersPerQuery?: number;
  /**
   * Requests in flight at once; while there are as many, users wait and merge into the next ones. One more is for users
   * of homeservers that failed, whom no caller waits for.
   * @default 3
   */
  readonly maxConcurrentQueries?: number;
  /**
   * How long a query is waited for from its sending, in ms; longer if a caller's `timeout` needs it. @default 60_000
   */
  readonly queryDeadline?: number;
  /** How long an operation of the store is waited for, in ms. @default 10_000 */
  readonly storeDeadline?: number;
  /** Verifies signatures. @default platformVerifier(): WebCrypto if it has ed25519, otherwise `@noble/ed25519` */
  readonly verifier?: SignatureVerifier;
  /**
   * What becomes of unsigned devices, which neither their own key nor their owner's identity has signed; the Matrix
   * spec asks every device to sign itself ("Uploading keys"). `accept` marks them (`deviceStatus`), `refuse` leaves
   * them out.
   * @default "accept"
   */
  readonly unsignedDevices?: UnsignedDevices;
  /**
   * What is done about missed steps: `ask` queries the server for who changed in them (`GET /keys/changes`);
   * `distrust` treats every gap as one that cannot be closed, for homeservers that never report `left` there (tuwunel,
   * continuwuity).
   * @default "ask"
   */
  readonly gaps?: "ask" | "distrust";
  /**
   * The public key of our own master key, if the application knows it, such as from its own secret storage: as if
   * `confirmOwnIdentity` had been called. Without either, no user is ever `verified`: a server can invent an identity
   * of ours. Every answer is compared with it, whatever was confirmed later. 32 bytes in unpadded base64.
   */
  readonly ownMasterKey?: string;
  /**
   * What is done while the store cannot be opened: `memory` stands in for it, and all identities are `unknown`; with
   * `fail`, lookups fail, and each one tries to open it again.
   * @default "memory"
   */
  readonly onStoreUnavailable?: "memory" | "fail";
  /** Users whose lists are kept in memory, so that looking them up reads no store. @default 10_000 */
  readonly maxListsInMemory?: number;
  /**
   * Bytes that those lists may take, approximately; the ones that were not used for the longest time are dropped. A
   * dropped list is read from the store again.
   * @default 67_108_864 (64 MiB)
   */
  readonly maxCacheBytes?: number;
  /**
   * Extensions that commit more of a sync response with its token, such as `EncryptedRooms`. All trackers on the store
   * should have the same ones.
   */
  readonly extensions?: readonly SyncExtension[];
}

const UNSIGNED_DEVICES: readonly UnsignedDevices[] = ["accept", "refuse"];
const GAPS: readonly string[] = ["ask", "distrust"];
const STORE_UNAVAILABLE: readonly string[] = ["memory", "fail"];

type Optional = "verifier" | "ownMasterKey";
export type CompleteOptions = Required<Omit<DeviceTrackerOptions, Optional>> & Pick<DeviceTrackerOptions, Optional>;

/** The options with every default in place. Bad ones are a `TypeError` or a `RangeError` that says which and why. */
export function complete(options: DeviceTrackerOptions): CompleteOptions {
  const {
    userId,
    sync$,
    keysApi,
    store = memoryStore(),
    scheduler = asyncScheduler,
    verifier,
    unsignedDevices = "accept",
    gaps = "ask",
    ownMasterKey,
    onStoreUnavailable = "memory",
    extensions = [],
    ...bounds
  } = options;
  const {
    maxUsersPerQuery = 250,
    maxConcurrentQueries = 3,
    queryDeadline = 60_000,
    storeDeadline = 10_000,
    maxListsInMemory = 10_000,
    maxCacheBytes = 64 * 2 ** 20,
  } = bounds;
  requireUserId(userId);
  if (!UNSIGNED_DEVICES.includes(unsignedDevices))
    throw new TypeError(`unsignedDevices should be "accept" or "refuse", not ${shown(unsignedDevices)}`);
  if (!GAPS.includes(gaps)) throw new TypeError(`gaps should be "ask" or "distrust", not ${shown(gaps)}`);
  if (!STORE_UNAVAILABLE.includes(onStoreUnavailable))
    throw new TypeError(`onStoreUnavailable should be "memory" or "fail", not ${shown(onStoreUnavailable)}`);
  if (ownMasterKey !== undefined) requirePublicKey("ownMasterKey", ownMasterKey);
  requireNames(extensions.map(({ name }) => name));
  requireCount({ maxUsersPerQuery, maxConcurrentQueries, maxListsInMemory, maxCacheBytes });
  requireTime({ queryDeadline, storeDeadline }, 1);
  return {
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
    maxCacheBytes,
    unsignedDevices,
    gaps,
    onStoreUnavailable,
    extensions,
    ...(ownMasterKey !== undefined && { ownMasterKey }),
    ...(verifier !== undefined && { verifier }),
  };
}

function requireNames(names: readonly unknown[]): void {
  for (const name of names)
    if (typeof name !== "string" || name === "") throw new TypeError("an extension should have a name");
  if (new Set(names).size < names.length)
    throw new TypeError(`extensions should have different names, not ${names.join(", ")}`);
}

function requireCount(bounds: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(bounds)) {
    if (value !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(value) || value < 1))
      throw new RangeError(`${name} should be a whole number from 1 on, or Infinity, not ${value}`);
  }
}

function requireTime(times: Readonly<Record<string, number>>, least: number): void {
  for (const [name, value] of Object.entries(times)) {
    if (!(value >= least)) throw new RangeError(`${name} should be a number of ms from ${least} on, not ${value}`);
  }
}
