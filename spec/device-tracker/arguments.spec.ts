import { map, NEVER, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceTrackerOptions } from "../../src/tracker/options.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { marbles } from "../support/marbles.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer, step } from "../support/wire.js";

const construct = (options: Partial<DeviceTrackerOptions>) =>
  new DeviceTracker({ userId: ALICE, sync$: NEVER, keysApi: keysApiOf([]), ...options });

describe("the constructor", () => {
  it.each(["", "alice", "@alice", "alice:example.org", "@alice:", `@${"a".repeat(255)}:example.org`])(
    "refuses %j, which is no user ID",
    (userId) => {
      expect(() => construct({ userId })).toThrow(TypeError);
    },
  );

  const bounds = [
    "maxUsersPerQuery",
    "maxConcurrentQueries",
    "queryDeadline",
    "storeDeadline",
    "maxListsInMemory",
  ] as const;
  it.each(bounds)("refuses a %s that is below 1 or no number, and says which", (bound) => {
    for (const value of [0, -1, Number.NaN, "many" as never]) {
      expect(() => construct({ [bound]: value })).toThrow(RangeError);
      expect(() => construct({ [bound]: value })).toThrow(bound);
    }
  });

  it.each(bounds)("accepts a %s of 1, and one without end", (bound) => {
    expect(() => construct({ [bound]: 1 })).not.toThrow();
    expect(() => construct({ [bound]: Number.POSITIVE_INFINITY })).not.toThrow();
  });
});

describe("the users of a call", () => {
  it(
    "may be nobody: an empty map, without a request",
    marbles((m) => {
      const { tracker, asked$ } = trackerIn(m);
      m.expectObservable(tracker.getDeviceKeys([])).toBe("(n|)", { n: new Map() });
      m.expectObservable(tracker.getKnownDeviceKeys([])).toBe("(n|)", { n: new Map() });
      m.expectObservable(tracker.track([])).toBe("|");
      m.expectObservable(asked$).toBe("-");
    }),
  );

  it(
    "may be nobody for a watcher, who gets an empty map and no more",
    marbles((m) => {
      const { watch } = trackerIn(m);
      m.expectObservable(watch([])).toBe("n", { n: [] });
    }),
  );

  it(
    "are read from the iterable when the method is called, and only then",
    marbles((m) => {
      const { lookup } = trackerIn(m, { answers: [of({})] });
      const users = [BOB];
      const result$ = lookup(users);
      users.push(CAROL);
      m.expectObservable(result$).toBe("(b|)", { b: ["bob - untracked"] });
    }),
  );

  it(
    "may come from an iterable that can be read only once, subscribed to twice",
    marbles((m) => {
      const { tracker } = trackerIn(m, { answers: [of({}), of({})] });
      const once = [BOB, CAROL].values();
      const names$ = tracker.getDeviceKeys(once).pipe(map((users) => [...users.keys()]));
      m.expectObservable(names$, "^--").toBe("(n|)", { n: [BOB, CAROL] });
      m.expectObservable(names$, "-^-").toBe("-(n|)", { n: [BOB, CAROL] });
    }),
  );

  it(
    "count once where they are named twice, at their first place",
    marbles((m) => {
      const { lookup, asked$ } = trackerIn(m, { answers: [of(answer({ [BOB]: ["B1"] }))] });
      m.expectObservable(lookup([CAROL, BOB, CAROL])).toBe("(x|)", { x: ["carol - untracked", "bob B1 untracked"] });
      m.expectObservable(asked$).toBe("x", { x: "carol bob" });
    }),
  );

  it.each(["getDeviceKeys", "getKnownDeviceKeys", "watchDeviceKeys", "track"] as const)(
    "of %s may not be a string, which is an iterable of letters",
    (method) => {
      const tracker = construct({});
      expect(() => tracker[method](BOB)).toThrow(TypeError);
    },
  );

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("may not be given a timeout of %d", (timeout) => {
    expect(() => construct({}).getDeviceKeys([BOB], { timeout })).toThrow(RangeError);
  });
});

describe("an ID that is no user ID", () => {
  it.each([
    ["a word", "nobody"],
    ["no sigil", "x:y"],
    ["no server", "@no-server"],
    ["an empty server", "@bob:"],
    ["nothing", ""],
    ["256 bytes", `@${"a".repeat(243)}:example.org`],
    ["257 bytes in fewer characters", `@${"é".repeat(122)}:example.org`],
  ])("is never sent, and comes back with no devices, untracked: %s", (_, id) => {
    marbles((m) => {
      const { tracker, asked$ } = trackerIn(m);
      const results$ = tracker
        .getDeviceKeys([id])
        .pipe(
          map((users) => Array.from(users, ([user, { deviceKeys, freshness }]) => [user, deviceKeys.size, freshness])),
        );
      m.expectObservable(results$).toBe("(x|)", { x: [[id, 0, "untracked"]] });
      m.expectObservable(asked$).toBe("-");
    })();
  });

  it(
    "leaves the others of the call alone, and keeps its place in the order",
    marbles((m) => {
      const { lookup, asked$ } = trackerIn(m, { answers: [of(answer({ [BOB]: ["B1"] }))] });
      m.expectObservable(lookup([BOB, "nobody", CAROL])).toBe("(x|)", {
        x: ["bob B1 untracked", "nobody - untracked", "carol - untracked"],
      });
      m.expectObservable(asked$).toBe("x", { x: "bob carol" });
    }),
  );

  it.each([
    ["255 bytes", `@${"a".repeat(242)}:example.org`],
    ["characters of old times", "@Odd Name/=🐼:example.org:8448"],
    ["a name of JavaScript's", "@__proto__:example.org"],
    ["no localpart", "@:example.org"],
  ])("is not what an odd but possible one is: %s", (_, id) => {
    marbles((m) => {
      const { tracker, requests } = trackerIn(m, { answers: [of({})] });
      tracker.getDeviceKeys([id]).subscribe();
      expect(requests.map((request) => Object.keys(request.device_keys))).toEqual([[id]]);
    })();
  });

  it(
    "is left out of track(), and told",
    marbles((m) => {
      const { tracker, problems } = trackerIn(m);
      m.expectObservable(tracker.track(["nobody", BOB])).toBe("|");
      m.expectObservable(tracker.trackedUsers$, "-^-").toBe("-u", { u: new Set([ALICE, BOB]) });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "user-ids-refused", source: "track", userIds: ["nobody"], count: 1 }]);
      });
    }),
  );

  it(
    "is left out of a step, and told; the step counts",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: step("s1", { changed: ["nobody", BOB], left: ["x:y"] }) });
      const { tracker, problems } = trackerIn(m, { sync$ });
      m.expectObservable(tracker.deviceChanges$).toBe("-x-", { x: { changed: [BOB], left: [] } });
      m.afterwards(() => {
        expect(problems).toMatchObject([
          { type: "user-ids-refused", source: "device_lists", userIds: ["nobody", "x:y"], count: 2 },
        ]);
      });
    }),
  );

  it(
    "reads no record of the store",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { lookup, known } = trackerIn(m, { store, tracking: [BOB] });
      const before = store.begun.read;
      m.expectObservable(lookup(["nobody"])).toBe("(x|)", { x: ["nobody - untracked"] });
      m.expectObservable(known(["nobody"])).toBe("(x|)", { x: [] });
      m.afterwards(() => {
        expect(store.begun.read).toBe(before);
      });
    }),
  );
});
