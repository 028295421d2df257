import { defer, finalize, tap } from "rxjs";
import type { KeysApi } from "matrix-device-tracker";
import type { Note } from "./tracker-event.js";
import { messageOf } from "../words/message-of.js";

/** The same keys API, with the start and the end of each query recorded. */
export function observedKeysApi(api: KeysApi, note: Note): KeysApi {
  let queries = 0;
  return {
    changes: (range) => api.changes(range),
    query: (request) =>
      defer(() => {
        const query = ++queries;
        let ended = false;
        note({ type: "query-sent", query, users: Object.keys(request.device_keys) });
        return api.query(request).pipe(
          tap({
            next: () => {
              ended = true;
              note({ type: "query-answered", query });
            },
            error: (error: unknown) => {
              ended = true;
              note({ type: "query-failed", query, message: messageOf(error) });
            },
          }),
          finalize(() => {
            if (!ended) note({ type: "query-aborted", query });
          }),
        );
      }),
  };
}
