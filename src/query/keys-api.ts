import type { Observable } from "rxjs";
import type { SyncFailure } from "../model/problems.js";
import type { DeviceLists, KeysQueryRequest, KeysQueryResponse } from "../model/wire.js";

/**
 * What the tracker needs from a homeserver. Both methods return cold Observables: each subscription sends a request,
 * emits one value and completes; unsubscribing aborts the request. The tracker validates what they emit.
 */
export interface KeysApi {
  /**
   * `POST /_matrix/client/v3/keys/query`. An implementation may split it into several requests to leave out users for
   * which the homeserver fails, and lists these in `unanswered`.
   */
  query(request: KeysQueryRequest): Observable<KeysQueryResponse>;
  /** `GET /_matrix/client/v3/keys/changes` */
  changes(range: { from: string; to: string }): Observable<DeviceLists>;
  /**
   * Hot: failed attempts of the sync loop that uses the same connection; `sync$` does not show them. While connected,
   * the tracker reports them on `problems$` (`sync-failed`).
   * @default none
   */
  readonly syncFailures$?: Observable<SyncFailure>;
}
