import { delay, map, NEVER, of, toArray, type Observable } from "rxjs";
import type { UserId } from "../../src/model/ids.js";
import type { KeysQueryRequest, KeysQueryResponse } from "../../src/model/wire.js";
import type { Answer } from "../../src/query/answer.js";
import { Queries, type AskOptions } from "../../src/query/queries.js";
import type { QueryPorts } from "../../src/query/query-request.js";
import type { QueryLimits } from "../../src/query/request-queue.js";
import type { Revision } from "../../src/store/revision.js";
import { emptyList } from "../../src/trust/device-list.js";
import { keysApiOf } from "../support/keys-api-of.js";
import type { Marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { ALICE } from "../support/users.js";

export interface QueriesInTest {
  readonly queries: Queries;
  /** The users of a call in the order in which their answers come: `bob carol`, with `!` if they are superseded. */
  readonly ask: (users: readonly UserId[], options?: AskOptions) => Observable<string>;
  readonly supersede: (...users: readonly UserId[]) => void;
  /** The users of each query, when it is sent. */
  readonly asked$: Observable<string>;
  readonly requests: readonly KeysQueryRequest[];
}

export interface QueriesSetUp extends Partial<QueryLimits> {
  /** How long it takes from a response until all is saved, in ms. */
  readonly saving?: number;
  readonly untracked?: readonly UserId[];
  /** Emits when the tracker is closed. */
  readonly closed$?: Observable<unknown>;
}

/** Queries of a homeserver that gives these responses, one to each. Users are tracked unless it says otherwise. */
export function queriesIn(
  m: Marbles,
  responses: readonly Observable<KeysQueryResponse>[],
  { saving = 0, untracked = [], closed$ = NEVER, ...limits }: QueriesSetUp = {},
): QueriesInTest {
  const { asked$, requests, ...keysApi } = keysApiOf(responses);
  const revision: Revision = { number: 1 };
  const process: QueryPorts["process"] = (response, query) => {
    const answers$ = of(
      new Map(
        Array.from(query.revisions, ([userId, asked]): [UserId, Answer] => [
          userId,
          {
            userId,
            list: { ...emptyList(0), ...response.parseUser(userId).list },
            revision: asked,
            superseded: query.isSuperseded(userId),
            reachable: response.isReachable(userId),
          },
        ]),
      ),
    );
    return saving === 0 ? answers$ : answers$.pipe(delay(saving, m.scheduler));
  };
  const queries = new Queries(
    {
      keysApi,
      ownUserId: ALICE,
      scheduler: m.scheduler,
      queryDeadline: 60_000,
      lastCommit: () => 0,
      revisionOf: (userId) => (untracked.includes(userId) ? undefined : revision),
      closed$,
      process,
      count: () => {},
    },
    { maxUsersPerQuery: 250, maxConcurrentQueries: 3, ...limits },
  );
  const ask: QueriesInTest["ask"] = (users, options) =>
    queries.ask(users, options).pipe(
      map(({ userId, superseded }) => `${localpart(userId)}${superseded ? "!" : ""}`),
      toArray(),
      map((names) => names.join(" ")),
    );
  const supersede = (...users: readonly UserId[]) => {
    queries.supersede(users);
    queries.send();
  };
  return { queries, ask, supersede, asked$, requests };
}

/** Names of users in marbles. */
export const NAMES = { a: "alice", b: "bob", c: "carol", d: "dave", e: "eve" };

/** A response in which nobody has a device, at the `x` of these marbles. */
export const responseAt = (m: Marbles, timing: string) =>
  m.cold<KeysQueryResponse>(timing.replace("x", "(x|)"), { x: { device_keys: {} } });
