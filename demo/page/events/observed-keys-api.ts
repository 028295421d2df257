import { asapScheduler, defer, finalize, subscribeOn, tap } from "rxjs";
import type { KeysApi, KeysQueryResponse, UserId } from "matrix-device-tracker";
import { messageOf } from "../words/message-of.js";
import { serverOf } from "../words/names.js";
import type { Note } from "./tracker-event.js";

/** The same keys API, with the start and the end of each query recorded. */
export function observedKeysApi(api: KeysApi, note: Note): KeysApi {
  let queries = 0;
  return {
    ...api,
    query: (request) =>
      defer(() => {
        const query = ++queries;
        const users = Object.keys(request.device_keys);
        let ended = false;
        note({ type: "query-sent", query, users });
        return api.query(request).pipe(
          tap({
            next: (response) => {
              ended = true;
              note({ type: "query-answered", query, unreachable: users.filter(isUnreachable(response)) });
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
      }).pipe(
        // A watcher queries before a change is announced, and a change is recorded a microtask later.
        subscribeOn(asapScheduler),
        subscribeOn(asapScheduler),
      ),
  };
}

/** Whether a user's server did not answer, and the homeserver knows nothing of them either. */
const isUnreachable =
  ({ device_keys = {}, failures = {}, unanswered = [] }: KeysQueryResponse) =>
  (userId: UserId): boolean =>
    unanswered.includes(userId) || (!Object.hasOwn(device_keys, userId) && Object.hasOwn(failures, serverOf(userId)));
