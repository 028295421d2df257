import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { MAX_USERS_AT_ONCE } from "../../src/model/batch-sizes.js";
import { marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { step } from "../support/wire.js";

describe("an ID that is not a user ID", () => {
  it.each([
    ["a word", "nobody"],
    ["no sigil", "x:y"],
    ["no server", "@no-server"],
    ["an empty server", "@bob:"],
    ["an empty string", ""],
    ["256 bytes", `@${"a".repeat(243)}:example.org`],
    ["257 bytes in fewer characters", `@${"é".repeat(122)}:example.org`],
  ])("is not sent, and has no devices: %s", (_, id) => {
    marbles((m) => {
      const { tracker, expectQueries } = setUp(m);
      const result$ = tracker
        .getDeviceKeys([id])
        .pipe(
          map((users) => Array.from(users, ([user, { deviceKeys, freshness }]) => [user, deviceKeys.size, freshness])),
        );
      m.expectObservable(result$).toBe("(x|)", { x: [[id, 0, "untracked"]] });
      expectQueries();
    })();
  });

  it(
    "keeps its place in the result, and the others are looked up",
    marbles((m) => {
      const { lookup, expectQueries } = setUp(m, { devices: { [BOB]: ["B1"] } });
      m.expectObservable(lookup([BOB, "nobody", CAROL])).toBe("(x|)", {
        x: ["bob B1 untracked", "nobody - untracked", "carol - untracked"],
      });
      expectQueries("0-0 bob carol");
    }),
  );

  it(
    "is left out of track(), and reported",
    marbles((m) => {
      const { tracker, problems } = setUp(m);
      m.expectObservable(tracker.track(["nobody", BOB])).toBe("|");
      m.expectObservable(tracker.trackedUsers$, "-^").toBe("-u", { u: new Set([ALICE, BOB]) });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "user-ids-refused", source: "track", userIds: ["nobody"], count: 1 }]);
      });
    }),
  );

  it(
    "is reported once for a call that is applied in parts",
    marbles((m) => {
      const { tracker, problems } = setUp(m);
      const users = crowd(2 * MAX_USERS_AT_ONCE);
      m.expectObservable(tracker.track(["nobody", ...users, "x:y"])).toBe("|");
      m.afterwards(() => {
        const ids = { userIds: ["nobody", "x:y"], count: 2 };
        expect(problems).toMatchObject([{ type: "user-ids-refused", source: "track", ...ids }]);
      });
    }),
  );

  it(
    "is left out of a step, and reported",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: step("s1", { changed: ["nobody", BOB], left: ["x:y"] }) });
      const { tracker, problems } = setUp(m, { sync$ });
      m.expectObservable(tracker.deviceChanges$).toBe("-x", { x: { changed: [BOB], left: [] } });
      m.afterwards(() => {
        const ids = { userIds: ["nobody", "x:y"], count: 2 };
        expect(problems).toMatchObject([{ type: "user-ids-refused", source: "device_lists", ...ids }]);
      });
    }),
  );

  it(
    "is not looked for in the store",
    marbles((m) => {
      const { lookup, known, store } = setUp(m, { tracked: [BOB] });
      const before = store.begun.read;
      m.expectObservable(lookup(["nobody"])).toBe("(x|)", { x: ["nobody - untracked"] });
      m.expectObservable(known(["nobody"])).toBe("(x|)", { x: [] });
      m.afterwards(() => {
        expect(store.begun.read).toBe(before);
      });
    }),
  );
});

describe("an unusual user ID", () => {
  it.each([
    ["255 bytes", `@${"a".repeat(242)}:example.org`],
    ["historical characters and a port", "@Odd Name/=🐼:example.org:8448"],
    ["a name that JavaScript knows", "@__proto__:example.org"],
    ["an empty localpart", "@:example.org"],
  ])("is sent: %s", (_, id) => {
    marbles((m) => {
      const { tracker, homeserver } = setUp(m);
      tracker.getDeviceKeys([id]).subscribe();
      expect(homeserver.queries.map(({ userIds }) => userIds)).toEqual([[id]]);
    })();
  });
});
