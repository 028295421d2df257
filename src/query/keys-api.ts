import type { Observable } from "rxjs";
import type { SyncFailure } from "../model/problems.js";
import type { DeviceLists, KeysQueryRequest, KeysQueryResponse } from "../model/wire.js";

/**
 * What the tracker needs from a homeserver. Both methods return cold observables: each subscription sends a request,
 * emits one value and completes; unsubscribing aborts it. The tracker checks what they emit, whatever its type.
 */
export interface KeysApi {
  /**
   * `POST /_matrix/client/v3/keys/query`. An implementation may send several requests for it, to leave out users for
   * whom the homeserver fails; they are listed in `unanswered`.
   */
  query(request: KeysQueryRequest): Observable<KeysQueryResponse>;
  /** `GET /_matrix/client/v3/keys/changes` */
  changes(range: { from: string; to: string }): Observable<DeviceLists>;
  /**
   * Hot: failed attempts of the sync loop that uses the same connection, which `sync$` does not show. The tracker
   * reports them on `problems$` (`sync-failed`) while it is connected.
   * @default none
   */
  readonly syncFailures$?: Observable<SyncFailure>;
}
