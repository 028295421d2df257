import { EMPTY, ReplaySubject, throwError, type Observable } from "rxjs";
import type { KeysQueryRequest, KeysQueryResponse } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { localpart } from "./summary.js";

/** A keys API that returns these responses, one for each query. */
export interface ScriptedKeysApi extends KeysApi {
  /** The localparts of the users of each query, when it is sent. */
  readonly asked$: Observable<string>;
  readonly requests: readonly KeysQueryRequest[];
}

export function keysApiOf(
  answers: readonly Observable<KeysQueryResponse>[],
  changes: KeysApi["changes"] = () => EMPTY,
): ScriptedKeysApi {
  const asked$ = new ReplaySubject<string>(Number.POSITIVE_INFINITY);
  const requests: KeysQueryRequest[] = [];
  const query = (request: KeysQueryRequest): Observable<KeysQueryResponse> => {
    const given = answers[requests.length];
    requests.push(request);
    const users = Object.keys(request.device_keys).map(localpart).join(" ");
    asked$.next(users);
    return given ?? throwError(() => new Error(`an unexpected query for ${users}`));
  };
  return { asked$, requests, query, changes };
}
