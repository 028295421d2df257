import { defer, Observable } from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../store/device-store.js";
import { savedToken } from "../store/records.js";
import type { Connection } from "./connection.js";
import { connectionTo } from "./connections.js";
import type { Database } from "./open-database.js";
import { realLocation } from "./real-location.js";
import { clearRecords, getKinds, getRecords, writeRecords } from "./requests.js";

/**
 * Creates a store for Node in a LevelDB database. It needs the package `classic-level`.
 *
 * All stores of a process on the same location share one connection and each other's `commits$`. The first operation
 * opens the database. It is closed when no operation runs and `commits$` has no subscriber, so soon after `close()` of
 * the last tracker; until then no other process can open it. An open database does not keep the process alive, and need
 * not be closed before it ends.
 *
 * An update is on the disk when it emits, and survives a killed process or a crash of the machine. Operations fail with
 * a {@link LevelStoreError}; the next operation reopens the database. Unsubscribing before an update has begun to write
 * prevents it.
 *
 * @param location a directory that nothing else uses, such as `devices/@alice:example.org`, one for each account. It is
 * created if it does not exist
 * @throws TypeError if the location is not a non-empty string
 * @example
 * const store = levelStore("/var/lib/my-bot/devices");
 * const tracker = new DeviceTracker({ userId, store, keysApi, sync$ });
 */
export function levelStore(location: string): DeviceStore {
  if (typeof location !== "string" || location === "")
    throw new TypeError("levelStore() needs the path of a directory");
  const path = realLocation(location);
  const connection = () => connectionTo(path);

  const store: DeviceStore = {
    syncToken$: defer(() => savedToken(store)),
    commits$: new Observable((subscriber) => {
      const shared = connection();
      subscriber.add(shared.announced$.subscribe(subscriber));
      subscriber.add(shared.hold());
    }),
    clear: () => updating(connection, (shared, database) => shared.request(database, clearRecords(database))),
    read: (keys) => reading(connection, (database) => getRecords(database, keys)),
    readKinds: (kinds) => reading(connection, (database) => getKinds(database, kinds)),
    update: <T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>) =>
      updating(connection, async (shared, database, givenUp) => {
        const update = change(await shared.request(database, getRecords(database, keys)));
        givenUp.throwIfAborted();
        await shared.request(database, writeRecords(database, update));
        // Before the next update begins, so that announcements are in the order of the updates.
        if (update.announce !== undefined) shared.announce(update.announce);
        return update.result;
      }),
  };
  return store;
}

/** Reads for each subscription, concurrently with updates. */
const reading = <T>(connection: () => Connection, read: (database: Database) => Promise<T>): Observable<T> =>
  operation(() => {
    const shared = connection();
    return shared.run((database) => shared.request(database, read(database)));
  });

/** Updates for each subscription, one after the other. */
const updating = <T>(
  connection: () => Connection,
  update: (shared: Connection, database: Database, givenUp: AbortSignal) => Promise<T>,
): Observable<T> =>
  operation((givenUp) => {
    const shared = connection();
    return shared.runUpdate(async (database) => {
      givenUp.throwIfAborted();
      return update(shared, database, givenUp);
    });
  });

/** @param run receives a signal that aborts when the subscriber unsubscribes; its result is then ignored */
function operation<T>(run: (givenUp: AbortSignal) => Promise<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const givenUp = new AbortController();
    run(givenUp.signal).then(
      (result) => {
        subscriber.next(result);
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
    return () => givenUp.abort();
  });
}
