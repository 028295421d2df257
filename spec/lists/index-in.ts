import { compactIndex } from "../../src/lists/compact-index.js";
import { DeviceIndex } from "../../src/lists/device-index.js";
import { PendingEdits } from "../../src/lists/pending-edits.js";
import type { UserId } from "../../src/model/ids.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { emptyClone } from "../../src/store/clone.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { writeSnapshot } from "../../src/store/snapshot.js";
import { inStore } from "../store/in-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { HEAD_4, saveAll, toSave } from "./save-in.js";
import { bob, carol, keyOf, phone, verified } from "./verified-lists.js";

/** The curve25519 key of Bob's phone. */
export const KEY = keyOf(phone, "curve25519");
/** A device of Carol's that claims the key of Bob's phone. */
export const claiming = carol.device("CLAIMING", { curve25519: KEY });

/** Finds devices in the index of a store, and logs what is read of it. */
export function indexIn(store: DeviceStore, tracked: readonly UserId[] = [BOB, CAROL]) {
  const log: StoreLog = { reads: [], writes: [] };
  const problems: TrackerProblem[] = [];
  let isOurs = true;
  const index = new DeviceIndex({
    store: countingStore(log, store),
    isOurs: (owner) => isOurs && owner !== undefined,
    isTracked: (userId) => tracked.includes(userId),
    report: (problem) => problems.push(problem),
    pendingEdits: new PendingEdits(),
  });
  const find = (publicKey = KEY, algorithm: "curve25519" | "ed25519" = "curve25519") => {
    const found: string[][] = [];
    const errors: unknown[] = [];
    index.claimants(algorithm, publicKey).subscribe({
      next: (claimants) => found.push(claimants.map(({ userId, deviceId }) => `${localpart(userId)} ${deviceId}`)),
      error: (error: unknown) => errors.push(error),
    });
    if (errors.length > 0) throw errors[0];
    return found[0];
  };
  return { find, log, problems, clear: () => (isOurs = false) };
}

export const saveDevices = (store: DeviceStore, account: typeof bob, ...devices: readonly DeviceKeys[]) =>
  saveAll(store, new Map([[account.userId, toSave(verified(account, devices), { forced: true })]]));

/** Folds the log into a snapshot, of these tracked users. */
export function snapshot(store: DeviceStore, tracked: readonly UserId[]): void {
  const clone = emptyClone(ALICE);
  for (const userId of tracked) clone.users.set(userId, { revision: { number: 4 }, outdated: false, hasList: true });
  inStore(store, (records) => writeSnapshot(records, { ...clone, ...HEAD_4 }, compactIndex, new Map()));
}
