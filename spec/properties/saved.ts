import { map, NEVER } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { OWNER } from "../../src/store/records.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { Ledger } from "./ledger.js";
import { ME, USERS, type Server } from "./server.js";
import { VirtualClock } from "./virtual-clock.js";

/** What a store holds, as a tracker that is opened on it sees it. */
export interface Saved {
  /** The position of the saved token. */
  readonly position: number | undefined;
  readonly tracked: ReadonlySet<UserId>;
  readonly lists: DeviceKeysByUser;
  /** The ledger of a tracker that is opened on it. */
  readonly ledger: Ledger;
}

/** Opens a tracker that can change nothing. Both the tracker and the records answer synchronously. */
export function readSaved(records: DeviceStore, server: Server): Saved {
  const ledger = new Ledger(server);
  let isEmpty = false;
  records.read([OWNER]).subscribe(([owner]) => (isEmpty = owner === undefined));
  if (isEmpty) return { position: undefined, tracked: new Set([ME]), lists: new Map(), ledger };
  const scheduler = new VirtualClock();
  const store: DeviceStore = {
    syncToken$: records.syncToken$,
    commits$: NEVER,
    read: (keys) => records.read(keys),
    readKinds: (kinds) => records.readKinds(kinds),
    update: (keys, change) => records.read(keys).pipe(map((saved) => change(saved).result)),
    clear: () => NEVER,
  };
  const tracker = new DeviceTracker({
    userId: ME,
    sync$: NEVER,
    keysApi: { query: () => NEVER, changes: () => NEVER },
    store,
    scheduler,
    verifier: new ScriptedVerifier({ scheduler }),
    extensions: [ledger],
  });
  let token: string | undefined;
  let tracked: ReadonlySet<UserId> | undefined;
  let lists: DeviceKeysByUser | undefined;
  records.syncToken$.subscribe((saved) => (token = saved));
  tracker.trackedUsers$.subscribe((users) => (tracked = users));
  tracker.getKnownDeviceKeys(USERS).subscribe((known) => (lists = known));
  if (tracked === undefined || lists === undefined) throw new Error("the saved state could not be read");
  return { position: token === undefined ? undefined : server.positionOf(token), tracked, lists, ledger };
}
