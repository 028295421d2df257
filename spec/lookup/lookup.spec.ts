import { map, merge, of, throwError, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { SavedLists } from "../../src/lists/saved-lists.js";
import { PendingEdits } from "../../src/lists/pending-edits.js";
import { Lookup } from "../../src/lookup/lookup.js";
import type { UserId } from "../../src/model/ids.js";
import type { Answer } from "../../src/query/answer.js";
import type { FailedServers } from "../../src/query/failed-servers.js";
import type { AskOptions, Queries } from "../../src/query/queries.js";
import type { TrackedUser } from "../../src/store/tracked-users.js";
import { emptyList } from "../../src/trust/device-list.js";
import { memoryOf } from "../lists/memory-of.js";
import { bob, carol, phone, tablet, verified } from "../lists/verified-lists.js";
import { listKey } from "../../src/store/records.js";
import { storeOfAlice } from "../store/in-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { localpart, summary } from "../support/summary.js";
import { BOB, CAROL, DAVE, EVE } from "../support/users.js";

const revision = { number: 4 };
const current: TrackedUser = { revision, outdated: false, hasList: true };
const outdated: TrackedUser = { ...current, outdated: true };

/**
 * Lookups of users whose lists are saved at revision 4: Bob's and Carol's. Queries are answered by `ask`, without
 * devices if it is not given.
 * @param down users whose servers failed lately
 */
function lookupIn(
  tracked: Readonly<Record<UserId, TrackedUser>>,
  ask?: (userIds: readonly UserId[], options: AskOptions) => Observable<Answer>,
  down: readonly UserId[] = [],
) {
  const log: StoreLog = { reads: [], writes: [] };
  const asked: string[] = [];
  const kept: unknown[] = [];
  const inMemory = memoryOf(tracked);
  const record = (list: ReturnType<typeof verified>) => ({
    pins: { devices: new Map() },
    saved: { revision: 4, list },
  });
  const store = storeOfAlice(
    [listKey(BOB), record(verified(bob, [phone]))],
    [listKey(CAROL), record(verified(carol, []))],
  );
  const lists = new SavedLists({
    pendingEdits: new PendingEdits(),
    ...inMemory,
    store: countingStore(log, store),
    refusesUnsigned: false,
    isOurs: () => true,
    isCommitted: () => true,
    missedCommit: () => {},
    report: () => {},
  });
  const answer = (userId: UserId): Answer => ({
    userId,
    list: emptyList(0),
    revision: inMemory.tracking.get(userId)?.revision,
    superseded: false,
    reachable: true,
  });
  const queries = {
    ask: (userIds: readonly UserId[], options: AskOptions) => {
      const how = options.forced === true ? ["forced"] : options.background === true ? ["background"] : [];
      asked.push([...userIds.map(localpart), ...how].join(" "));
      return ask?.(userIds, options) ?? of(...userIds.map(answer));
    },
    keep: (userIds: readonly UserId[], timeout?: number) =>
      kept.push(...userIds.map((userId) => [localpart(userId), timeout])),
    servers: { hasFailed: (userId: UserId) => down.includes(userId) } as Pick<
      FailedServers,
      "hasFailed"
    > as FailedServers,
  } as Pick<Queries, "ask" | "keep" | "servers"> as Queries;
  const lookup = new Lookup({ ...inMemory, lists, queries, now: () => 0, count: () => {} });
  const get = (users: readonly UserId[], options = {}) => lookup.get(users, options).pipe(map(summary));
  const known = (users: readonly UserId[]) => lookup.known(users).pipe(map(summary));
  return { ...inMemory, lookup, get, known, log, asked, kept, answer };
}

const now = (m: Marbles, source$: Observable<readonly string[]>, shown: readonly string[]) =>
  m.expectObservable(source$).toBe("(x|)", { x: shown });

describe("a lookup", () => {
  it(
    "answers from memory, then from the store in one read, then from the server",
    marbles((m) => {
      const { get, log, asked, memory } = lookupIn({ [BOB]: current, [CAROL]: current, [DAVE]: outdated });
      memory.keep(BOB, verified(bob, [phone]), revision);
      now(m, get([DAVE, BOB, CAROL]), ["dave - current", "bob PHONE current", "carol - current"]);
      m.afterwards(() => {
        expect(asked).toEqual(["dave"]);
        expect(log.reads).toEqual([["account/owner", "account/own", `list/${CAROL}`]]);
      });
    }),
  );

  it(
    "reads and queries nothing if memory has every list",
    marbles((m) => {
      const { get, log, asked } = lookupIn({ [BOB]: current });
      now(m, get([BOB]), ["bob PHONE current"]);
      now(m, get([BOB]), ["bob PHONE current"]);
      now(m, get([]), []);
      m.afterwards(() => {
        expect([log.reads.length, asked]).toEqual([1, []]);
      });
    }),
  );

  it(
    "queries users whose saved list turns out to be unusable",
    marbles((m) => {
      const { get, asked } = lookupIn({ [DAVE]: current });
      now(m, get([DAVE]), ["dave - current"]);
      m.afterwards(() => {
        expect(asked).toEqual(["dave"]);
      });
    }),
  );

  it(
    "queries users who are not tracked each time",
    marbles((m) => {
      const { get, asked } = lookupIn({});
      now(m, get([BOB]), ["bob - untracked"]);
      now(m, get([BOB]), ["bob - untracked"]);
      m.afterwards(() => {
        expect(asked).toEqual(["bob", "bob"]);
      });
    }),
  );

  it(
    "skips the cache if it is forced, and says so",
    marbles((m) => {
      const { get, asked, log } = lookupIn({ [BOB]: current });
      now(m, get([BOB], { forceDownload: true }), ["bob - current"]);
      m.afterwards(() => {
        expect([asked, log.reads]).toEqual([["bob forced"], []]);
      });
    }),
  );

  it(
    "never sends an ID that is not a user ID: it has no devices and is untracked",
    marbles((m) => {
      const { get, asked } = lookupIn({ [BOB]: current });
      now(m, get(["bob", `@${"x".repeat(300)}:example.org`, BOB]), [
        "bob - untracked",
        `${"x".repeat(300)} - untracked`,
        "bob PHONE current",
      ]);
      m.afterwards(() => {
        expect(asked).toEqual([]);
      });
    }),
  );

  it(
    "fails with the first error, once the other users are done",
    marbles((m) => {
      const { get } = lookupIn({ [BOB]: outdated, [CAROL]: outdated }, (userIds, { onFailure }) => {
        onFailure?.(userIds[0]!, "refused");
        return m.cold("---|");
      });
      m.expectObservable(get([BOB, CAROL])).toBe("---#", undefined, "refused");
    }),
  );

  it(
    "decides freshness when it emits: a user may change while others are awaited",
    marbles((m) => {
      const { get, users } = lookupIn({ [BOB]: current, [CAROL]: outdated }, () => m.cold("---|"));
      m.acts("-c", { c: () => users.set(BOB, { ...outdated, revision: { number: 5 } }) });
      m.expectObservable(get([BOB])).toBe("(x|)", { x: ["bob PHONE current"] });
      m.expectObservable(get([BOB, CAROL])).toBe("---(x|)", { x: ["bob PHONE superseded"] });
    }),
  );
});

describe("a lookup of users whose server failed lately", () => {
  const lastKnown = "bob - unreachable (last known PHONE)";
  const down = [BOB, CAROL, DAVE];

  it(
    "emits their last list at once, and has them queried in the background",
    marbles((m) => {
      const { get, asked, kept, log } = lookupIn({ [BOB]: outdated, [CAROL]: outdated }, undefined, down);
      now(m, get([CAROL, BOB], { timeout: 9 }), ["carol - unreachable (last known -)", lastKnown]);
      m.afterwards(() => {
        expect([asked, log.reads.length]).toEqual([[], 1]);
        expect(kept).toEqual([
          ["carol", 9],
          ["bob", 9],
        ]);
      });
    }),
  );

  it(
    "waits for users who have no list, and not for those who have one",
    marbles((m) => {
      const tracked = { [BOB]: outdated, [DAVE]: { ...outdated, hasList: false } };
      const { get, asked, kept, log } = lookupIn(tracked, () => m.cold("---|"), [...down, EVE]);
      m.expectObservable(get([DAVE])).toBe("---(x|)", { x: [] });
      m.expectObservable(get([EVE, BOB])).toBe("---(x|)", { x: [lastKnown] });
      m.afterwards(() => {
        expect([asked, kept]).toEqual([["dave", "eve"], [["bob", undefined]]]);
        expect(log.reads).toEqual([["account/owner", "account/own", `list/${EVE}`, `list/${BOB}`]]); // Dave has none
      });
    }),
  );

  it(
    "waits if it is forced",
    marbles((m) => {
      const { get, asked } = lookupIn({ [BOB]: outdated }, () => m.cold("---|"), down);
      m.expectObservable(get([BOB], { forceDownload: true })).toBe("---(x|)", { x: [] });
      m.afterwards(() => {
        expect(asked).toEqual(["bob forced"]);
      });
    }),
  );

  it(
    "has a list that is not outdated as ever, and the last one if that is gone",
    marbles((m) => {
      const newer = { ...current, revision: { number: 5 } };
      const { get, asked } = lookupIn({ [BOB]: newer, [CAROL]: current }, undefined, down);
      now(m, get([BOB, CAROL]), [lastKnown, "carol - current"]);
      m.afterwards(() => {
        expect(asked).toEqual([]);
      });
    }),
  );

  it(
    "has the newest list if that comes while others are waited for",
    marbles((m) => {
      const inTest = lookupIn({ [BOB]: outdated, [DAVE]: { ...outdated, hasList: false } }, () => m.cold("---|"), down);
      const { get, memory, kept } = inTest;
      m.acts("-l", { l: () => memory.listed(new Map([[BOB, memory.keep(BOB, verified(bob, [tablet]), revision)]])) });
      m.expectObservable(get([BOB, DAVE])).toBe("---(x|)", { x: ["bob TABLET current"] });
      m.afterwards(() => {
        expect(kept).toEqual([]);
      });
    }),
  );

  it(
    "queries nothing more if its caller unsubscribes before it has emitted",
    marbles((m) => {
      const { get, kept } = lookupIn({ [BOB]: outdated, [EVE]: outdated }, () => m.cold("---|"), down);
      m.expectObservable(get([BOB, EVE]), "^-!").toBe("---");
      m.afterwards(() => {
        expect(kept).toEqual([]);
      });
    }),
  );

  it(
    "says of an untracked user, too, what is known",
    marbles((m) => {
      const { get } = lookupIn({}, undefined, down);
      now(m, get([BOB]), [lastKnown]);
    }),
  );
});

describe("gathering answers", () => {
  it(
    "goes on with the other users if a request fails",
    marbles((m) => {
      const { lookup, answer } = lookupIn({ [BOB]: outdated, [CAROL]: outdated }, (_, { onFailure }) => {
        onFailure?.(BOB, "refused");
        return merge(of(answer(CAROL)));
      });
      const gathered$ = lookup
        .gather([BOB, CAROL], {})
        .pipe(map(({ answers, failures }) => [[...answers.keys()], [...failures]]));
      m.expectObservable(gathered$).toBe("(x|)", { x: [[CAROL], [[BOB, "refused"]]] });
    }),
  );

  it(
    "emits once more for users who were not waited for",
    marbles((m) => {
      const tracked = { [BOB]: outdated, [CAROL]: outdated, [DAVE]: outdated };
      const { lookup, answer, asked, kept } = lookupIn(
        tracked,
        ([userId = ""], { background }) =>
          background === true ? m.cold("--(x|)", { x: answer(userId) }) : of(answer(userId)),
        [BOB],
      );
      const gathered$ = lookup
        .gather([BOB, DAVE], {})
        .pipe(
          map(({ answers, pending }) => [
            Array.from(answers.values(), ({ userId, reachable }) => [localpart(userId), reachable].join()),
            pending,
          ]),
        );
      m.expectObservable(gathered$).toBe("a-(b|)", {
        a: [["bob,false", "dave,true"], [BOB]],
        b: [["bob,true"], []],
      });
      m.afterwards(() => {
        expect([asked, kept]).toEqual([["dave", "bob background"], []]);
      });
    }),
  );
});

describe("the lists that are known without the server", () => {
  it(
    "are current or outdated, and absent for users who have none",
    marbles((m) => {
      const { known, asked } = lookupIn({ [BOB]: current, [CAROL]: outdated, [DAVE]: { ...outdated, hasList: false } });
      now(m, known([CAROL, DAVE, BOB]), ["carol - outdated", "bob PHONE current"]);
      m.afterwards(() => {
        expect(asked).toEqual([]);
      });
    }),
  );

  it(
    "are not current while steps may be missing",
    marbles((m) => {
      const { known, tracking } = lookupIn({ [BOB]: current });
      tracking.setDoubt(true);
      now(m, known([BOB]), ["bob PHONE outdated"]);
    }),
  );

  it(
    "include that of a user who is not tracked any more, if memory has it",
    marbles((m) => {
      const { known, memory, users } = lookupIn({ [BOB]: current });
      memory.keep(BOB, verified(bob, [phone]), revision);
      users.delete(BOB);
      now(m, known([BOB]), ["bob PHONE outdated"]);
    }),
  );
});

it(
  "a query that fails as a whole fails the lookup",
  marbles((m) => {
    const { get } = lookupIn({ [BOB]: outdated }, () => throwError(() => new Error("broken")));
    m.expectObservable(get([BOB])).toBe("#", undefined, new Error("broken"));
  }),
);
