import type { SchedulerLike } from "rxjs";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { FailedServers, MAX_FAILED_SERVERS } from "../../src/query/failed-servers.js";
import { parseResponse } from "../../src/query/parse-response.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";
import { answer } from "../support/wire.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const EVAN: UserId = "@evan:down.example";
const failed = answer({}, ["down.example"]);

/** The memory of Alice's tracker, and a clock. */
function rememberingIn() {
  const clock = { now: 0 };
  const servers = new FailedServers(ALICE, { now: () => clock.now } as SchedulerLike);
  /** A response arrives, to a query that was just sent unless it says otherwise. */
  const learn = (response: KeysQueryResponse, users: readonly UserId[] = [EVE], sentAt = clock.now) => {
    servers.learn(parseResponse(response, ALICE, 0), users, sentAt);
  };
  /** For how long the server is remembered from now on, in whole seconds. */
  const remembered = () => {
    const from = clock.now;
    while (servers.hasFailed(EVE)) clock.now += SECOND;
    const seconds = (clock.now - from) / SECOND;
    clock.now = from;
    return seconds;
  };
  return { servers, clock, learn, remembered };
}

describe("a homeserver that failed", () => {
  it("is remembered for a minute, whichever of its users is asked for", () => {
    const { servers, learn, remembered } = rememberingIn();
    expect(servers.hasFailed(EVE)).toBe(false);
    learn(failed);
    expect([EVE, EVAN, BOB].map((user) => servers.hasFailed(user))).toEqual([true, true, false]);
    expect(remembered()).toBe(60);
  });

  it("is remembered twice as long after each further failure, up to ten minutes", () => {
    const { clock, learn, remembered } = rememberingIn();
    const times = Array.from({ length: 6 }, () => {
      learn(failed);
      const seconds = remembered();
      clock.now += seconds * SECOND + MINUTE; // long enough to be waited for again
      return seconds;
    });
    expect(times).toEqual([60, 120, 240, 480, 600, 600]);
  });

  it("has failed once if several queries that were in flight together say so", () => {
    const { clock, learn, remembered } = rememberingIn();
    clock.now = 10 * SECOND;
    for (const user of [EVE, EVAN, EVE]) learn(failed, [user], 0);
    expect(remembered()).toBe(60);
    clock.now = 20 * SECOND;
    learn(failed, [EVE], 11 * SECOND);
    expect(remembered()).toBe(120);
  });

  it("is forgotten when it answers, also for a user without devices", () => {
    const { servers, learn, remembered } = rememberingIn();
    for (const success of [answer({ [EVAN]: ["E1"] }), answer({})]) {
      learn(failed);
      learn(failed);
      learn(success, [EVAN]);
      expect(servers.hasFailed(EVE)).toBe(false);
    }
    learn(failed);
    expect(remembered()).toBe(60);
  });

  it("is not forgotten when another server answers", () => {
    const { servers, learn } = rememberingIn();
    learn(failed);
    learn(answer({ [BOB]: ["B1"] }), [BOB]);
    expect(servers.hasFailed(EVE)).toBe(true);
  });

  it("has failed if only one of its users was not answered, and not if all were", () => {
    const { servers, learn } = rememberingIn();
    learn(answer({ [EVE]: ["E1"] }, ["down.example"]), [EVE]);
    expect(servers.hasFailed(EVE)).toBe(false);
    learn(answer({ [EVE]: ["E1"] }, ["down.example"]), [EVE, EVAN]);
    expect(servers.hasFailed(EVE)).toBe(true);
  });

  it("is not remembered longer because the clock was set back", () => {
    const { servers, clock, learn } = rememberingIn();
    clock.now = 6 * 60 * MINUTE;
    learn(failed);
    clock.now = 0;
    expect(servers.hasFailed(EVE)).toBe(false);
  });
});

describe("what says nothing of a homeserver", () => {
  it.each<[string, KeysQueryResponse]>([
    ["a user for whom our own homeserver failed", { device_keys: {}, unanswered: [EVE] }],
    ["such a user, if the server is in failures as well", { ...failed, unanswered: [EVE] }],
    ["a part that is not a device list", { device_keys: { [EVE]: 5 as never }, failures: { "down.example": {} } }],
    ["failures that name a server that was not asked", answer({}, ["elsewhere.example"])],
  ])("%s", (_, response) => {
    const { servers, learn } = rememberingIn();
    learn(response);
    expect(servers.hasFailed(EVE)).toBe(false);
  });

  it("a user who was not answered, when it is remembered as well", () => {
    const { servers, learn } = rememberingIn();
    learn(failed);
    learn({ device_keys: {}, unanswered: [EVE] });
    learn({ device_keys: { [EVE]: 5 as never } });
    expect(servers.hasFailed(EVE)).toBe(true);
  });

  it("failures that name our own: it answered, and has most users of most rooms", () => {
    const { servers, learn } = rememberingIn();
    learn(answer({}, ["example.org"]), [BOB, CAROL]);
    expect(servers.hasFailed(BOB)).toBe(false);
  });
});

describe("the memory of failed servers", () => {
  it("is bounded: the server that failed longest ago goes first", () => {
    const { servers, learn } = rememberingIn();
    const users = Array.from({ length: MAX_FAILED_SERVERS + 1 }, (_, i) => `@user:server${i}.example`);
    const names = users.map((user) => user.slice("@user:".length));
    learn(answer({}, names.slice(0, 2)), users.slice(0, 2));
    learn(answer({}, names.slice(0, 1)), users.slice(0, 1));
    learn(answer({}, names.slice(2)), users.slice(2));
    const remembered = users.filter((user) => servers.hasFailed(user));
    expect(remembered).toEqual([users[0], ...users.slice(2)]);
  });

  it("takes none of ten thousand names in failures but the one that was asked", () => {
    const { servers, learn } = rememberingIn();
    const names = Array.from({ length: 10_000 }, (_, i) => `server${i}.example`);
    learn(answer({}, ["down.example", ...names]));
    const others = names.map((name) => `@user:${name}`);
    expect([EVE, ...others].filter((user) => servers.hasFailed(user))).toEqual([EVE]);
  });
});
