import { map, Observable, of, Subject, tap } from "rxjs";
import { describe, expect, it } from "vitest";
import type { KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { changed } from "../support/wire.js";

describe("from inside the first emission of trackedUsers$", () => {
  it(
    "track() is seen by that subscriber",
    marbles((m) => {
      const { tracker } = trackerIn(m);
      const seen: string[] = [];
      const trackBob = () => tracker.track([BOB]).subscribe();
      tracker.trackedUsers$.subscribe((users) => {
        seen.push([...users].map(localpart).join(" "));
        if (seen.length === 1) trackBob();
      });
      m.afterwards(() => {
        expect(seen).toEqual(["alice", "alice bob"]);
      });
    }),
  );

  it(
    "a step is seen by that subscriber, and by an earlier one",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const { tracker } = trackerIn(m, { sync$ });
      const names$ = tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).join(" ")));
      const seen: string[] = [];
      const inside$ = names$.pipe(
        tap((users) => {
          seen.push(users);
          if (seen.length === 1) sync$.next(changed(BOB));
        }),
      );
      m.expectObservable(names$).toBe("a-b", { a: "alice", b: "alice bob" });
      m.acts("--s", { s: () => inside$.subscribe() });
      m.afterwards(() => {
        expect(seen).toEqual(["alice", "alice bob"]);
      });
    }),
  );
});

/** A server that never answers. The test says what happens in the teardown of a query. */
function silentKeysApi() {
  const flying: string[] = [];
  let sent = 0;
  const api = {
    /** The users of each query that has not been aborted. */
    flying,
    onAbort: () => {},
    get sent() {
      return sent;
    },
    query: ({ device_keys: wanted }: { device_keys: object }) =>
      new Observable<KeysQueryResponse>(() => {
        const users = Object.keys(wanted).map(localpart).join(" ");
        sent++;
        flying.push(users);
        return () => {
          flying.splice(flying.indexOf(users), 1);
          api.onAbort();
        };
      }),
    changes: () => of({ changed: [] }),
  };
  return api;
}

describe("from inside the teardown of an aborted query", () => {
  it(
    "getDeviceKeys sends a query of its own, which later callers join",
    marbles((m) => {
      const keysApi = silentKeysApi();
      const { lookup } = trackerIn(m, { tracking: [BOB], keysApi });
      const aborted = lookup([BOB]).subscribe();
      keysApi.onAbort = () => {
        keysApi.onAbort = () => {};
        lookup([BOB]).subscribe({ error: () => {} });
      };
      aborted.unsubscribe();
      expect(keysApi.flying).toEqual(["bob"]);
      lookup([BOB]).subscribe({ error: () => {} });
      expect(keysApi.flying).toEqual(["bob"]);
      expect(keysApi.sent).toBe(2);
    }),
  );

  it(
    "getDeviceKeys sends one query for users of the aborted one",
    marbles((m) => {
      const keysApi = silentKeysApi();
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], keysApi });
      const aborted = lookup([BOB, CAROL]).subscribe();
      keysApi.onAbort = () => {
        keysApi.onAbort = () => {};
        lookup([CAROL]).subscribe({ error: () => {} });
        lookup([CAROL, BOB]).subscribe({ error: () => {} });
      };
      aborted.unsubscribe();
      lookup([BOB, CAROL]).subscribe({ error: () => {} });
      expect(keysApi.flying).toEqual(["carol", "bob"]);
    }),
  );

  it(
    "getDeviceKeys keeps to the cap",
    marbles((m) => {
      const keysApi = silentKeysApi();
      const { lookup } = trackerIn(m, { tracking: [BOB, CAROL], keysApi, maxConcurrentQueries: 1 });
      const aborted = lookup([BOB]).subscribe();
      lookup([CAROL]).subscribe({ error: () => {} }); // waits for Bob's to end
      keysApi.onAbort = () => {
        keysApi.onAbort = () => {};
        lookup([BOB]).subscribe({ error: () => {} });
      };
      aborted.unsubscribe();
      expect(keysApi.flying).toHaveLength(1);
    }),
  );
});
