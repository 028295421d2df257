import { switchMap, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncExtension } from "../../src/sync/sync-extension.js";
import { Extensions } from "../../src/tracker/extensions.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { chainIn, load } from "./chain-in.js";
import { storeOfAlice } from "./in-store.js";
import { step, track } from "./steps.js";

describe("a state that cannot be read again", () => {
  it(
    "is reported, and read later: 1 s, doubling",
    marbles((m) => {
      const { chain, store, events } = chainIn(m);
      store.failNext("busy", "read");
      store.failNext("busy", "read");
      m.expectObservable(chain.reload()).toBe("#", undefined, "busy");
      m.acts("2s t", { t: () => expect(chain.isBehind).toBe(true) });
      m.afterwards(() => {
        expect(events).toEqual(["behind", "unreadable (busy)", "unreadable (busy)", "caught up with :", "not behind"]);
        expect(m.scheduler.now()).toBe(3_000);
      });
    }),
  );

  it(
    "makes writes fail until it has been read",
    marbles((m) => {
      const { chain, save, store } = chainIn(m);
      store.failNext("busy", "read");
      chain.reload().subscribe({ error: () => {} });
      m.expectObservable(save("a")).toBe("#", undefined, "busy");
      m.expectObservable(deferred(m, "2s ", () => save("b"))).toBe("2s (b|)");
    }),
  );
});

describe("commits that are announced while missing ones are read", () => {
  it(
    "are followed before memory counts as no longer behind",
    marbles((m) => {
      const records = storeOfAlice();
      const { store, users, events } = chainIn(m, records);
      const other = chainIn(m, records, "another tab");
      store.loseAnnouncements();
      other.apply(track(BOB));
      store.takes = 2;
      m.acts("a--b", { a: () => store.wake(), b: () => other.apply(track(CAROL)) });
      m.afterwards(() => {
        expect(events).toEqual(["behind", "caught up with 1: bob", "followed 2: carol", "not behind"]);
        expect(users()).toEqual(["alice@0 none", "bob@1 none", "carol@2 none"]);
      });
    }),
  );
});

describe("an event that is applied while what is missing is read", () => {
  /** A chain with an extension, to which another one on the same records has committed Bob without its knowing. */
  const behind = (m: Marbles) => {
    const records = storeOfAlice();
    const inbox: SyncExtension = {
      name: "inbox",
      attach: () => {},
      restore: () => {},
      read: () => [],
      apply: () => undefined,
      missed: () => {},
      records: () => [],
      summary: () => [],
      trackedUsers: () => [],
    };
    const under = chainIn(m, records, "tab", load(records), new Extensions([inbox], ALICE, () => {}));
    under.store.loseAnnouncements();
    chainIn(m, records, "another tab").apply(track(BOB));
    under.store.takes = 2;
    return under;
  };
  const event = step({ events: { inbox: [1] } });

  it(
    "makes it read again, once, and those that wait for it wait for the second read",
    marbles((m) => {
      const { apply, chain, store, users } = behind(m);
      m.expectObservable(chain.reload()).toBe("------(d|)", { d: undefined });
      m.acts("-e", { e: () => apply(event) });
      m.afterwards(() => {
        expect(store.begun).toMatchObject({ read: 2, readKinds: 1, update: 1 });
        expect(chain.isBehind).toBe(false);
        expect(users()).toEqual(["alice@0 none", "bob@1 none"]);
      });
    }),
  );
});

describe("synchronize()", () => {
  it(
    "commits what is pending, and then reads what other trackers committed",
    marbles((m) => {
      const records = storeOfAlice();
      const { apply, chain, store, users } = chainIn(m, records);
      store.takes = 3;
      apply(track(BOB));
      store.loseAnnouncements();
      m.expectObservable(chain.synchronize()).toBe("---------(d|)", { d: undefined });
      m.acts("----o", { o: () => chainIn(m, records, "another tab").apply(track(CAROL)) });
      m.afterwards(() => {
        expect(users()).toEqual(["alice@0 none", "bob@1 none", "carol@2 none"]);
      });
    }),
  );

  it(
    "fails if a commit does, at once while it waits for its next try",
    marbles((m) => {
      const { apply, chain, store } = chainIn(m);
      store.takes = 2;
      store.failNext("full", "update");
      apply(track(BOB));
      m.expectObservable(chain.synchronize()).toBe("--#", undefined, "full");
      m.expectObservable(deferred(m, "---", () => chain.synchronize())).toBe("---#", undefined, "full");
    }),
  );
});

function deferred<T>(m: Marbles, wait: string, source: () => Observable<T>): Observable<T> {
  return m.cold(`${wait}(x|)`, { x: undefined }).pipe(switchMap(source));
}
