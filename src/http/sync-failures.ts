import type { AxiosInstance } from "axios";
import { Subject } from "rxjs";
import type { SyncFailed } from "./sync-failed.js";

const SYNC_FAILURES = Symbol("sync failures");

interface WithFailures {
  [SYNC_FAILURES]?: Subject<SyncFailed> | undefined;
}

/**
 * Failed attempts of the sync loops that use this instance. A loop emits only responses, and any operators may follow
 * it, so its failures reach the tracker by the instance that it shares with `axiosKeysApi`.
 */
export function syncFailures(http: AxiosInstance): Subject<SyncFailed> {
  return ((http as WithFailures)[SYNC_FAILURES] ??= new Subject());
}
