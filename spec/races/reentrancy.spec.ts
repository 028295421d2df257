import { map, Observable, of, Subject, tap } from "rxjs";
import { describe, expect, it } from "vitest";
import type { KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

const OLD = answer({ [BOB]: ["OLD"] });
const NEW = answer({ [BOB]: ["NEW"] });

describe("from inside the first emission", () => {
  it(
    "of trackedUsers$, a track() is seen by that subscriber",
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
    "of trackedUsers$, a step is seen by that subscriber, and by one who came before",
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

  it(
    "of a watcher, a step is looked up and shown",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const { watch, lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(OLD), of(NEW)] });
      lookup([BOB]).subscribe();
      const seen: unknown[] = [];
      m.acts("20s w", {
        w: () =>
          watch([BOB]).subscribe((result) => {
            seen.push(result);
            if (seen.length === 1) sync$.next(changed(BOB));
          }),
      });
      m.expectObservable(asked$).toBe("q 19999ms q", { q: "bob" });
      m.afterwards(() => {
        expect(seen).toEqual([["bob OLD current"], ["bob NEW current"]]);
      });
    }),
  );

  it(
    "of a watcher whose list was fetched just now, a step is looked up after the wait for echoes",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const { watch } = trackerIn(m, { tracking: [BOB], sync$, answers: [of(OLD), of(NEW)] });
      const seen: unknown[] = [];
      watch([BOB]).subscribe((result) => {
        seen.push([m.scheduler.now(), ...result]);
        if (seen.length === 1) sync$.next(changed(BOB));
      });
      m.afterwards(() => {
        expect(seen).toEqual([
          [0, "bob OLD current"],
          [30_000, "bob NEW current"],
        ]);
      });
    }),
  );
});

/** Whoever is asked for by it never answers; what is to be done in a query's teardown is up to the test. */
function silentKeysApi() {
  const flying: string[] = [];
  let sent = 0;
  const api = {
    /** The users asked for now, by those queries that have not been aborted. */
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
    changes: () => of({}),
  };
  return api;
}

describe("from inside the teardown of an aborted query", () => {
  it(
    "getDeviceKeys starts a query of its own, which later callers join",
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
    "and of others who were in it, they are asked for once",
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
    "getDeviceKeys keeps within the cap",
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
