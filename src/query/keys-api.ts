import type { Observable } from "rxjs";
import type { DeviceLists, KeysQueryRequest, KeysQueryResponse } from "../model/wire.js";

/**
 * What the tracker needs of a homeserver. Both methods give cold observables: one request at each subscription, one
 * value, then completion; unsubscribing aborts the request. What they emit is checked by the tracker, whatever the
 * types say.
 */
export interface KeysApi {
  /** `POST /_matrix/client/v3/keys/query` */
  query(request: KeysQueryRequest): Observable<KeysQueryResponse>;
  /** `GET /_matrix/client/v3/keys/changes` */
  changes(range: { from: string; to: string }): Observable<DeviceLists>;
}
