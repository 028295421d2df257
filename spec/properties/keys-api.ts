import { concatMap, defer, delay, finalize, identity, NEVER, tap, throwError, type Observable } from "rxjs";
import { serverName, type UserId } from "../../src/model/ids.js";
import type { DeviceLists, KeysQueryResponse } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import type { Facts, Query } from "./facts.js";
import { EVE, listAt } from "./server.js";
import { InjectedError, type Surroundings } from "./surroundings.js";

/** How much longer a slow query takes than the others, in ms. */
const SLOW = 100;

/** The server as one tab asks it. Every request takes one delay until the server looks at its log, and another one until the answer is there. */
export function keysApi(facts: Facts, world: Surroundings, send: (users: readonly UserId[]) => Query): KeysApi {
  return {
    query: ({ device_keys: wanted }) =>
      defer(() => {
        const query = send(Object.keys(wanted));
        return answerOf(query, world).pipe(
          tap(() => {
            query.answeredAt = world.moment();
            facts.inFlight.delete(query);
          }),
          finalize(() => facts.inFlight.delete(query)),
        );
      }),
    changes: ({ from, to }) =>
      defer(() => changesBetween(world.server.positionOf(from), world.server.positionOf(to), facts, world)),
  };
}

function answerOf({ id, users }: Query, world: Surroundings): Observable<KeysQueryResponse> {
  const { server, expectedErrors } = world;
  const trouble = world.trouble("query trouble");
  if (trouble === "fails") expectedErrors.add("InjectedError");
  if (trouble === "hangs") expectedErrors.add("QueryTimedOutError");
  if (trouble === "is garbled") expectedErrors.add("InvalidResponseError");
  const down = trouble === "cannot reach a server" ? serverName(EVE) : undefined;
  const look = () =>
    users
      .filter((user) => serverName(user) !== down)
      .map((user) => [user, listAt(user, server.version(user), id)] as const);
  return world.later(look).pipe(
    concatMap((lists) => world.later(() => lists)),
    trouble === "is slow" ? delay(SLOW, world.clock) : identity,
    concatMap((lists): readonly KeysQueryResponse[] | Observable<never> => {
      if (trouble === "fails") return throwError(() => new InjectedError(`query ${id}`));
      if (trouble === "hangs") return NEVER;
      if (trouble === "is garbled") return [{ device_keys: "garbled" } as unknown as KeysQueryResponse];
      return [{ device_keys: Object.fromEntries(lists), failures: down === undefined ? {} : { [down]: {} } }];
    }),
  );
}

function changesBetween(from: number, to: number, facts: Facts, world: Surroundings): Observable<DeviceLists> {
  const { server, setup } = world;
  const trouble = world.trouble("changes trouble");
  if (trouble !== undefined) facts.hops.push({ from, to, changed: [], left: [], unknown: true });
  return world
    .later(() => server.lists(from, setup.ignoresTo ? server.position : to))
    .pipe(
      concatMap((lists) => world.later(() => lists)),
      concatMap((lists) => {
        if (trouble === "fails") return throwError(() => new InjectedError(`changes from ${from} to ${to}`));
        return trouble === "hangs" ? NEVER : [lists];
      }),
      tap((lists) => facts.hops.push({ from, to, ...lists })),
    );
}
