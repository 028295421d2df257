import { concatMap, ignoreElements, type Observable } from "rxjs";
import { isObject } from "../model/json.js";
import type { UserId } from "../model/ids.js";
import type { DeviceChanges } from "../model/results.js";
import type { DeviceLists, SyncResponse } from "../model/wire.js";
import { free } from "./free.js";
import { machineUserIds } from "./machine-user-ids.js";
import type { MachineModule, SyncMachine } from "./machine.js";

export interface SyncFeed<Events> {
  /**
   * Gives the machine to-device messages, key counts and device lists of a response, before the tracker applies it: for
   * the `save` option of `syncResponses`. Resolves with the machine's result for the messages.
   */
  readonly save: (response: SyncResponse) => Promise<Events>;
  /**
   * Gives the machine each change of device lists once the tracker has applied it. Emits nothing; fails if the machine
   * does; completes with the tracker.
   */
  readonly deviceLists: (tracker: { readonly deviceChanges$: Observable<DeviceChanges> }) => Observable<never>;
}

/**
 * Gives an engine what it needs of a tracker's sync responses:
 *
 * 1. Before the tracker applies a response (`save`): to-device messages, which the next poll acknowledges, and key
 *    counts; also device lists, so that a crash between the two stores loses no change.
 * 2. After that (`deviceLists`): device lists again, with the changes of other tabs and of gaps. If the machine has
 *    asked in between, the answer may have been the previous list, so it must ask again.
 *
 * The machine must live in the tab that syncs.
 *
 * @example
 * import * as wasm from "@matrix-org/matrix-sdk-crypto-wasm";
 *
 * const feed = feedSync(machine, wasm);
 * const sync$ = syncResponses(http, { since$: store.syncToken$, save: feed.save });
 * const tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$ });
 * merge(feed.deviceLists(tracker), serveKeyQueries(machine, tracker)).subscribe({ error: console.error });
 * tracker.connect();
 */
export function feedSync<Events>(machine: SyncMachine<Events>, { DeviceLists }: MachineModule): SyncFeed<Events> {
  const isWasm = "free" in machine;
  const withLists = async (
    { changed, left }: { readonly changed: readonly UserId[]; readonly left: readonly UserId[] },
    give: (lists: never) => Promise<Events>,
  ): Promise<Events> => {
    const lists = new DeviceLists(machineUserIds(machine, changed) as never, machineUserIds(machine, left) as never);
    try {
      return await give(lists as never);
    } finally {
      free(lists);
    }
  };
  const toCounts = (counts: Readonly<Record<string, unknown>>) => {
    const known = Object.entries(counts).filter(([, count]) => Number.isSafeInteger(count));
    return (isWasm ? new Map(known) : Object.fromEntries(known)) as never;
  };
  // Node's module needs an array: a key that counts as unused is not replaced.
  const toTypes = (types: readonly string[] | undefined) =>
    (isWasm ? types && new Set(types) : (types ?? ["signed_curve25519"])) as never;

  /** Of the last response that had them. */
  let lastCounts: Readonly<Record<string, unknown>> = {};

  /** Key counts stay as they were. Some engines take missing ones for zero, and make 50 new keys each time. */
  const receive = (events: string, lists: never): Promise<Events> =>
    machine.receiveSyncChangesMsc4186 === undefined
      ? machine.receiveSyncChanges(events, lists, toCounts(lastCounts), toTypes(undefined))
      : machine.receiveSyncChangesMsc4186(events, lists, toCounts({}), toTypes(undefined));

  return {
    save: async (response) => {
      const { to_device, device_lists, device_one_time_keys_count: counts } = response;
      const unused = response.device_unused_fallback_key_types;
      const events = JSON.stringify(isObject(to_device) && Array.isArray(to_device.events) ? to_device.events : []);
      return await withLists(usersIn(device_lists), (lists) => {
        if (!isObject(counts)) return receive(events, lists);
        lastCounts = counts;
        const types = Array.isArray(unused) ? unused.filter(isString) : undefined;
        return machine.receiveSyncChanges(events, lists, toCounts(counts), toTypes(types));
      });
    },
    deviceLists: ({ deviceChanges$ }) =>
      deviceChanges$.pipe(
        concatMap((changes) => withLists(changes, (lists) => receive("[]", lists))),
        ignoreElements(),
      ),
  };
}

const isString = (value: unknown): value is string => typeof value === "string";

/** A server may send anything; the tracker reports it. */
function usersIn(lists: unknown): Required<DeviceLists> {
  const named = (list: unknown): UserId[] => (Array.isArray(list) ? list.filter(isString) : []);
  return isObject(lists) ? { changed: named(lists.changed), left: named(lists.left) } : { changed: [], left: [] };
}
