import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { ScriptedHomeserver, type ScriptedHomeserverOptions } from "../../src/testing/scripted-homeserver.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { BOB, CAROL, EVE } from "../support/users.js";

const master = { user_id: BOB, usage: ["master"], keys: { "ed25519:k": "k" } };

function homeserverIn({ scheduler }: Marbles, options: Partial<ScriptedHomeserverOptions> = {}) {
  const homeserver = new ScriptedHomeserver({ scheduler, ...options });
  const query = (...users: readonly string[]) =>
    homeserver.keysApi.query({ device_keys: Object.fromEntries(users.map((user): [string, []] => [user, []])) });
  const devices = map(({ device_keys: users = {} }: KeysQueryResponse) =>
    Object.values(users)
      .flatMap((theirs) => Object.keys(theirs))
      .join(" "),
  );
  return { homeserver, query, devices };
}

describe("ScriptedHomeserver, queried for keys", () => {
  it(
    "answers synchronously by default, with the current devices",
    marbles((m) => {
      const { homeserver, query, devices } = homeserverIn(m);
      homeserver.addDevice(BOB, "B1");
      m.expectObservable(query(BOB, CAROL).pipe(devices)).toBe("(x|)", { x: "B1" });
    }),
  );

  it(
    "answers after a time, and records when it was queried and when it answered",
    marbles((m) => {
      const { homeserver, query, devices } = homeserverIn(m, { answerAfter: 3 });
      homeserver.addDevice(BOB, "B1");
      m.expectObservable(query(BOB).pipe(devices), "-^---").toBe("----(x|)", { x: "B1" });
      m.afterwards(() => {
        expect(homeserver.queries).toEqual([{ userIds: [BOB], timeout: undefined, sentAt: 1, answeredAt: 4 }]);
      });
    }),
  );

  it.each([
    ["arrival", "B1"],
    ["departure", "B2"],
  ] as const)("answers with the lists as of the %s", (looksAt, found) => {
    marbles((m) => {
      const { homeserver, query, devices } = homeserverIn(m, { answerAfter: 3, looksAt });
      homeserver.addDevice(BOB, "B1");
      const change = () => {
        homeserver.removeDevice(BOB, "B1");
        homeserver.addDevice(BOB, "B2");
      };
      m.acts("-c", { c: change });
      m.expectObservable(query(BOB).pipe(devices)).toBe("---(x|)", { x: found });
    })();
  });

  it(
    "records when a query was aborted",
    marbles((m) => {
      const { homeserver, query } = homeserverIn(m, { answerAfter: 5 });
      m.expectObservable(query(BOB), "-^-!").toBe("----");
      m.afterwards(() => {
        expect(homeserver.queries).toMatchObject([{ sentAt: 1, abortedAt: 3 }]);
        expect(homeserver.queries[0]).not.toHaveProperty("answeredAt");
      });
    }),
  );

  it(
    "names unreachable servers in failures, and leaves out their users",
    marbles((m) => {
      const { homeserver, query } = homeserverIn(m);
      homeserver.addDevice(EVE, "E1");
      homeserver.unreachable.add("down.example");
      query(EVE, BOB).subscribe(({ device_keys: users, failures }) => {
        expect(users).toEqual({});
        expect(Object.keys(failures ?? {})).toEqual(["down.example"]);
      });
    }),
  );

  it(
    "fails only the next query, at the time of its answer",
    marbles((m) => {
      const { homeserver, query, devices } = homeserverIn(m, { answerAfter: 2 });
      homeserver.failNext("busy");
      m.expectObservable(query(BOB), "^---").toBe("--#", undefined, "busy");
      m.expectObservable(query(BOB).pipe(devices), "-^--").toBe("---(x|)", { x: "" });
    }),
  );

  it(
    "returns cross-signing keys in their section until they are removed",
    marbles((m) => {
      const { homeserver, query } = homeserverIn(m);
      homeserver.setCrossSigningKey(BOB, "master_keys", master);
      m.acts("-r", { r: () => homeserver.setCrossSigningKey(BOB, "master_keys", undefined) });
      m.expectObservable(query(BOB), "^-").toBe("(x|)", {
        x: { device_keys: {}, failures: {}, master_keys: { [BOB]: master } },
      });
      m.expectObservable(query(BOB), "-^").toBe("-(x|)", { x: { device_keys: {}, failures: {} } });
    }),
  );

  it(
    "receives one query for each subscription",
    marbles((m) => {
      const { homeserver, query } = homeserverIn(m);
      const answer$ = query(BOB);
      expect(homeserver.queries).toHaveLength(0);
      answer$.subscribe();
      answer$.subscribe();
      expect(homeserver.queries).toHaveLength(2);
    }),
  );
});

describe("The steps of a ScriptedHomeserver", () => {
  it(
    "name what happened last to each user since the step before",
    marbles((m) => {
      const { homeserver } = homeserverIn(m);
      homeserver.addDevice(BOB, "B1");
      homeserver.change(CAROL);
      homeserver.leave(CAROL);
      const first = homeserver.step();
      expect(first).toEqual({ next_batch: "s3", device_lists: { changed: [BOB], left: [CAROL] } });
      expect(homeserver.step()).toEqual({ next_batch: "s3", since: "s3" });
    }),
  );

  it(
    "are emitted by sync$",
    marbles((m) => {
      const { homeserver } = homeserverIn(m);
      m.acts("-s-cs", { s: () => homeserver.step(), c: () => homeserver.change(BOB) });
      m.expectObservable(homeserver.sync$.pipe(map(({ next_batch }) => next_batch))).toBe("-a--b", {
        a: "s0",
        b: "s1",
      });
    }),
  );

  it(
    "can start from an earlier token",
    marbles((m) => {
      const { homeserver } = homeserverIn(m);
      homeserver.change(BOB);
      homeserver.step();
      homeserver.change(CAROL);
      homeserver.step();
      expect(homeserver.step("s0")).toEqual({
        next_batch: "s2",
        since: "s0",
        device_lists: { changed: [BOB, CAROL], left: [] },
      });
    }),
  );

  it(
    "name no users if they are initial syncs",
    marbles((m) => {
      const { homeserver } = homeserverIn(m);
      homeserver.change(BOB);
      expect(homeserver.step(null)).toEqual({ next_batch: "s1", since: null });
    }),
  );

  it(
    "between two tokens are returned by changes()",
    marbles((m) => {
      const { homeserver } = homeserverIn(m);
      homeserver.change(BOB);
      homeserver.change(CAROL);
      homeserver.leave(BOB);
      m.expectObservable(homeserver.keysApi.changes({ from: "s0", to: "s2" })).toBe("(x|)", {
        x: { changed: [BOB, CAROL], left: [] },
      });
      m.expectObservable(homeserver.keysApi.changes({ from: "s1", to: "s3" })).toBe("(x|)", {
        x: { changed: [CAROL], left: [BOB] },
      });
    }),
  );
});
