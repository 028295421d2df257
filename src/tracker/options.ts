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
  readonly userId: UserId;
  /**
   * Every sync response of this device, in order. Other contents of a response, such as to-device messages, must be
   * saved before it is emitted here (`save` of `syncResponses`).
   */
  readonly sync$: Observable<SyncResponse>;
  readonly keysApi: KeysApi;
  /** @default memoryStore() */
  readonly store?: DeviceStore;
  /** Used for every timer and clock reading. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
  /** Larger requests time out on real servers. @default 250 */
  readonly maxUsersPerQuery?: number;
  /**
   * How many requests are in flight at once; beyond that, users wait and merge into the next ones. One more may be in
   * flight in the background, for users of homeservers that failed.
   * @default 3
   */
  readonly maxConcurrentQueries?: number;
  /** How long to wait for a query after sending it, in ms; longer if a caller's `timeout` needs it. @default 60_000 */
  readonly queryDeadline?: number;
  /** How long to wait for an operation of the store, in ms. @default 10_000 */
  readonly storeDeadline?: number;
  /** Verifies signatures. @default platformVerifier(): WebCrypto if it has ed25519, otherwise `@noble/ed25519` */
  readonly verifier?: SignatureVerifier;
  /**
   * How to treat unsigned devices, which neither their own key nor their owner's identity has signed; the Matrix spec
   * requires every device to sign itself ("Uploading keys"). `accept` marks them (`deviceStatus`), `refuse` leaves them
   * out.
   * @default "accept"
   */
  readonly unsignedDevices?: UnsignedDevices;
  /**
   * How to handle missed steps: `ask` queries the server for the users that changed in them (`GET /keys/changes`);
   * `distrust` treats every gap as one that cannot be closed, for homeservers that never report `left` there (tuwunel,
   * continuwuity).
   * @default "ask"
   */
  readonly gaps?: "ask" | "distrust";
  /**
   * Our own public master key, if the application knows it, for instance from its own secret storage: as if
   * `confirmOwnIdentity` had been called. Without either, no user is ever `verified`, since a server can invent an
   * identity of ours. Every answer is compared with it, even if another key was confirmed later. 32 bytes in unpadded
   * base64.
   */
  readonly ownMasterKey?: string;
  /**
   * What to do while the store cannot be opened: with `memory`, memory stands in for it, and all identities are
   * `unknown`; with `fail`, lookups fail, and each one tries to open it again.
   * @default "memory"
   */
  readonly onStoreUnavailable?: "memory" | "fail";
  /** How many users' lists are kept in memory, so that looking them up reads no store. @default 10_000 */
  readonly maxListsInMemory?: number;
  /**
   * How many bytes these lists may take, approximately. The least recently used ones are dropped and read from the
   * store again when needed.
   * @default 67_108_864 (64 MiB)
   */
  readonly maxCacheBytes?: number;
  /**
   * Extensions that commit more of a sync response with its token, such as `EncryptedRooms`. All trackers on the store
   * should have the same ones.
   */
  readonly extensions?: readonly SyncExtension[];
}

type Optional = "verifier" | "ownMasterKey";
export type CompleteOptions = Required<Omit<DeviceTrackerOptions, Optional>> & Pick<DeviceTrackerOptions, Optional>;

/** Fills in defaults. Throws a `TypeError` or a `RangeError` that names the invalid option and the reason. */
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
  requireOneOf("unsignedDevices", unsignedDevices, ["accept", "refuse"]);
  requireOneOf("gaps", gaps, ["ask", "distrust"]);
  requireOneOf("onStoreUnavailable", onStoreUnavailable, ["memory", "fail"]);
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

function requireOneOf<Value extends string>(name: string, value: Value, expected: readonly Value[]): void {
  if (!expected.includes(value))
    throw new TypeError(`${name} should be ${expected.map(shown).join(" or ")}, not ${shown(value)}`);
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
