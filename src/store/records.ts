import { map, type Observable } from "rxjs";
import * as v from "valibot";
import type { DeviceStore, RecordKey } from "./device-store.js";
import type { KeyAlgorithm } from "../keys/device-key.js";
import { isObject } from "../keys/json.js";
import type { UserId } from "../model/ids.js";

/*
 * The records that the tracker keeps:
 *
 *   account/owner   whose store this is; gone after clear()
 *   account/sync    the saved token, the revision counter, the last steps
 *   account/epoch   the revision at which everyone became outdated
 *   account/own     our own user-signing key, by our own saved list
 *   state/<user>    one for each tracked user: the revision of their last change, the revision that the saved list answers
 *   list/<user>     the last list fetched for a tracked user
 *   pins/<user>     the keys first seen of a user: of any who was ever fetched, and for ever
 *   claims/<algorithm>/<public key>   the devices in the saved lists that have this key
 *
 * What is read back may be damaged or written by another version: each reader gives undefined for what cannot be trusted.
 */

/** The format of all records, in the owner's record. */
export const STORE_FORMAT = 1;
/** How many committed steps the store remembers, so that a step which another tab has committed is recognised. */
export const REMEMBERED_STEPS = 100;
/** How many users of a step it remembers to have left: every step writes all that is remembered. */
export const MAX_REMEMBERED_LEFT = 100;

export const OWNER: RecordKey = ["account", "owner"];
export const SYNC: RecordKey = ["account", "sync"];
export const EPOCH: RecordKey = ["account", "epoch"];
export const OWN_IDENTITY: RecordKey = ["account", "own"];
export const stateKey = (userId: UserId): RecordKey => ["state", userId];
export const listKey = (userId: UserId): RecordKey => ["list", userId];
export const pinsKey = (userId: UserId): RecordKey => ["pins", userId];
export const claimsKey = (algorithm: KeyAlgorithm, publicKey: string): RecordKey => [`claims/${algorithm}`, publicKey];

/** Far beyond what steps can count to, and far enough from what numbers can hold that a damaged counter can be mended by going on from it. */
const MAX_REVISION = 2 ** 52;
const revision = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_REVISION));

const ownerRecord = v.object({ userId: v.string(), format: v.number(), lifetime: v.string() });
/** `lifetime` tells a store from what it was before a `clear()`: a write of the former life is refused in the next. */
export type OwnerRecord = Readonly<v.InferOutput<typeof ownerRecord>>;
export const readOwner = reader(ownerRecord);

export interface RememberedStep {
  /** Absent where the step did not say: it is then never recognised, but tells where the path went. Nor is one whose two tokens are equal. */
  readonly since?: string;
  readonly next: string;
  readonly revision: number;
  /** Who was tracked until it named them as having left, where anybody: up to {@link MAX_REMEMBERED_LEFT} users. */
  readonly left?: readonly UserId[] | "many";
  /** Whom it named so and who was not tracked any more, or not yet. */
  readonly gone?: readonly UserId[] | "many";
  /** Whether the server was asked for it (`GET /keys/changes`) where there are other tabs: nobody knows then whether `next` is not older than what the store stood on. */
  readonly asked?: boolean;
  /** Whether it named nobody. */
  readonly idle?: boolean;
}
// By hand: a hundred of them are checked at every step, and valibot takes longer for that than all the rest of a step takes.
const isRememberedStep = (step: unknown): boolean =>
  isObject(step) &&
  (step.since === undefined || typeof step.since === "string") &&
  typeof step.next === "string" &&
  Number.isSafeInteger(step.revision) &&
  (step.revision as number) >= 0 &&
  areUsers(step.left) &&
  areUsers(step.gone);
const areUsers = (users: unknown): boolean => users === undefined || users === "many" || Array.isArray(users);

const syncRecord = v.object({
  token: v.optional(v.string()),
  revision,
  steps: v.custom<readonly RememberedStep[]>(
    (steps) => Array.isArray(steps) && steps.every(isRememberedStep),
    "expected steps",
  ),
});
/** `revision`: the last one allotted. `steps`: the last ones committed that moved the token, oldest first. */
export type SyncRecord = Readonly<v.InferOutput<typeof syncRecord>>;
export const readSync = reader(syncRecord);
export const NO_SYNC: SyncRecord = { revision: 0, steps: [] };

export const readEpoch = reader(revision);

const ownIdentityRecord = v.object({ userSigningKey: v.string() });
export type OwnIdentityRecord = Readonly<v.InferOutput<typeof ownIdentityRecord>>;
export const readOwnIdentity = reader(ownIdentityRecord);

const stateRecord = v.object({ revision, listed: v.optional(revision) });
/**
 * A tracked user; an untracked one has no record. `listed`: the revision that the saved list answers.
 * The list is outdated unless `listed` is the user's revision or the epoch, whichever is greater.
 */
export type StateRecord = Readonly<v.InferOutput<typeof stateRecord>>;
export const readState = reader(stateRecord);

function reader<T>(schema: v.GenericSchema<unknown, T>): (record: unknown) => T | undefined {
  return (record) => (v.is(schema, record) ? (record as T) : undefined);
}

/** The token in a store's records, read at each subscription. Every store's `syncToken$` is this. */
export function savedToken(store: Pick<DeviceStore, "read">): Observable<string | undefined> {
  return store.read([SYNC]).pipe(map(([record]) => readSync(record)?.token));
}
