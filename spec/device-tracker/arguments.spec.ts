import { map, NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceTrackerOptions } from "../../src/tracker/options.js";
import { marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const keysApi = { query: () => NEVER, changes: () => NEVER };
const construct = (options: Partial<DeviceTrackerOptions> = {}) =>
  new DeviceTracker({ userId: ALICE, sync$: NEVER, keysApi, ...options });

describe("the constructor", () => {
  it.each(["", "alice", "@alice", "alice:example.org", "@alice:", `@${"a".repeat(255)}:example.org`])(
    "refuses the user ID %j",
    (userId) => {
      expect(() => construct({ userId })).toThrow(TypeError);
    },
  );

  const limits = [
    "maxUsersPerQuery",
    "maxConcurrentQueries",
    "queryDeadline",
    "storeDeadline",
    "maxListsInMemory",
    "maxCacheBytes",
  ] as const;

  it.each(limits)("refuses a %s below 1, and names it", (limit) => {
    for (const value of [0, -1, Number.NaN, "many" as never]) {
      expect(() => construct({ [limit]: value })).toThrow(RangeError);
      expect(() => construct({ [limit]: value })).toThrow(limit);
    }
  });

  it.each(limits)("accepts a %s of 1, and Infinity", (limit) => {
    expect(() => construct({ [limit]: 1 })).not.toThrow();
    expect(() => construct({ [limit]: Number.POSITIVE_INFINITY })).not.toThrow();
  });

  it.each(["gaps", "unsignedDevices"])("refuses an unknown value of %s, and names it", (option) => {
    expect(() => construct({ [option]: "perhaps" })).toThrow(TypeError);
    expect(() => construct({ [option]: "perhaps" })).toThrow(option);
  });
});

describe("the users of a call", () => {
  it(
    "may be empty: nothing is requested",
    marbles((m) => {
      const { tracker, expectQueries } = setUp(m);
      m.expectObservable(tracker.getDeviceKeys([])).toBe("(n|)", { n: new Map() });
      m.expectObservable(tracker.getKnownDeviceKeys([])).toBe("(n|)", { n: new Map() });
      m.expectObservable(tracker.watchDeviceKeys([])).toBe("n", { n: new Map() });
      m.expectObservable(tracker.track([])).toBe("|");
      m.expectObservable(tracker.untrack([])).toBe("|");
      m.expectObservable(tracker.invalidate([])).toBe("|");
      expectQueries();
    }),
  );

  it(
    "are read from the iterable when the method is called",
    marbles((m) => {
      const { lookup } = setUp(m);
      const users = [BOB];
      const result$ = lookup(users);
      users.push(CAROL);
      m.expectObservable(result$).toBe("(b|)", { b: ["bob - untracked"] });
    }),
  );

  it(
    "may come from an iterator that is read once, for two subscriptions",
    marbles((m) => {
      const { tracker } = setUp(m);
      const once = [BOB, CAROL].values();
      const names$ = tracker.getDeviceKeys(once).pipe(map((users) => [...users.keys()]));
      m.expectObservable(names$, "^-").toBe("(n|)", { n: [BOB, CAROL] });
      m.expectObservable(names$, "-^").toBe("-(n|)", { n: [BOB, CAROL] });
    }),
  );

  it(
    "count once if they are named twice, at their first place",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { devices: { [BOB]: ["B1"] } });
      m.expectObservable(lookup([CAROL, BOB, CAROL])).toBe("(x|)", { x: ["carol - untracked", "bob B1 untracked"] });
      expectQueries("0-0 carol bob");
    }),
  );

  it.each(["getDeviceKeys", "getKnownDeviceKeys", "watchDeviceKeys", "track", "untrack", "invalidate"] as const)(
    "of %s must not be a string, which is an iterable of characters",
    (method) => {
      const tracker = construct();
      expect(() => tracker[method](BOB)).toThrow(TypeError);
    },
  );
});

describe("a timeout", () => {
  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("must not be %d", (timeout) => {
    expect(() => construct().getDeviceKeys([BOB], { timeout })).toThrow(RangeError);
  });
});
