import { map, take, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../../src/model/results.js";
import { recipients } from "../../src/trust/recipients.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { identityOf, keyOf, listOf, signed, together } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { BOB, EVE } from "../support/users.js";

const DOWN = "down.example";
const EVES = together(
  listOf(EVE, signed(EVE, "GOOD", { by: "eveS" }), signed(EVE, "BARE")),
  identityOf(EVE, "eve"),
  listOf(BOB, signed(BOB, "B1")),
);
const EVES_NEW = together(listOf(EVE, signed(EVE, "GOOD", { by: "newS" })), identityOf(EVE, "new"));

/** Parts of a response that replace those of the homeserver. */
interface Way {
  readonly device_keys?: object;
  readonly [section: string]: unknown;
}

/** Ways in which a response fails to be about Eve. */
const WAYS: readonly (readonly [string, Way])[] = [
  ["whose server is in failures", { failures: { [DOWN]: {} } }],
  ["for whom our own homeserver failed", { unanswered: [EVE] }],
  ["whose part is not a device list", { device_keys: { [EVE]: "none" } }],
];

/** A tracker of Bob and Eve. From `fail` to `recover`, no response is about her, in one of the ways. */
function withEve(m: Marbles, way: Way = { failures: { [DOWN]: {} } }) {
  let isFailing = false;
  const inTest = trusting(m, {
    tracked: [BOB, EVE],
    altered: (response) => {
      if (!isFailing) return response;
      const { [EVE]: _, ...others } = response.device_keys ?? {};
      return { ...response, ...way, device_keys: { ...others, ...way.device_keys } };
    },
  });
  const eves = (users$: Observable<DeviceKeysByUser>) => {
    const shown: UserDeviceKeys[] = [];
    users$.subscribe((users) => shown.push(users.get(EVE)!));
    return shown.at(-1)!;
  };
  const { tracker } = inTest;
  const get = (users: readonly UserId[], options = {}) => eves(tracker.getDeviceKeys(users, options));
  const fail = () => {
    isFailing = true;
    tracker.invalidate([EVE]).subscribe();
  };
  const recover = () => {
    isFailing = false;
    tracker.invalidate([EVE]).subscribe();
  };
  return { ...inTest, eves, get, fail, recover };
}

describe("a user who cannot be reached", () => {
  it.each(WAYS)("%s, is in the same state however they are looked up", (_, way) => {
    marbles((m) => {
      const { eves, get, fail, tracker, publish, homeserver, store } = withEve(m, way);
      publish("ab", { a: EVES, b: EVES_NEW });
      m.acts("--l", {
        l: () => {
          const list = get([EVE, BOB]);
          expect([list.freshness, list.identity.state]).toEqual(["current", "unchanged"]);
          fail();
          const { deviceKeys, ...rest } = list;
          const expected = { ...rest, deviceKeys: new Map(), lastKnown: deviceKeys, freshness: "unreachable" };
          expect(get([EVE], { forceDownload: true }), "alone").toStrictEqual(expected);
          expect(get([EVE, BOB], { forceDownload: true }), "with others").toStrictEqual(expected);
          expect(get([EVE]), "when their server is remembered").toStrictEqual(expected);
          expect(eves(tracker.watchDeviceKeys([EVE]).pipe(take(1))), "watched").toStrictEqual(expected);
          const again = trustingAgain(m, { homeserver, store }, { altered: () => ({ failures: { [DOWN]: {} } }) });
          expect(eves(again.tracker.getDeviceKeys([EVE])), "after a restart").toStrictEqual(expected);
        },
      });
    })();
  });

  it(
    "keeps an identity that had changed as changed",
    marbles((m) => {
      const { get, fail, publish } = withEve(m);
      publish("a-b", { a: EVES, b: EVES_NEW });
      m.acts("-l-l", { l: () => get([EVE], { forceDownload: true }) });
      m.acts("----u", {
        u: () => {
          fail();
          const { identity } = get([EVE]);
          expect(identity).toMatchObject({
            state: "changed",
            masterKey: keyOf("newM"),
            pinnedMasterKey: keyOf("eveM"),
          });
        },
      });
    }),
  );

  it(
    "is sent to on the devices of the last list, as uncertain",
    marbles((m) => {
      const { fail, publish, tracker, get } = withEve(m);
      publish("a", { a: EVES });
      m.acts("-l", { l: () => get([EVE]) });
      m.acts("--f", { f: fail });
      const selected$ = tracker.getDeviceKeys([EVE, BOB]).pipe(
        map((users) => {
          const { devices, leftOut, uncertain } = recipients(users);
          return [devices.map(({ deviceId }) => deviceId), leftOut.map(({ deviceId }) => deviceId), uncertain];
        }),
      );
      m.expectObservable(selected$, "---^").toBe("---(x|)", { x: [["GOOD"], ["BARE", "B1"], [EVE]] });
    }),
  );

  it.each(WAYS)("%s, is pinned nothing, whatever else the response has of them", (_, way) => {
    marbles((m) => {
      const { publish, fail, recover, get } = withEve(m, way);
      publish("a--b", { a: EVES_NEW, b: EVES });
      m.acts("-f", { f: fail });
      m.acts("--u", {
        u: () => {
          for (const users of [[EVE], [EVE, BOB]]) {
            const user = get(users);
            expect(user).toMatchObject({ freshness: "unreachable", identity: { state: "unknown" } });
            expect(user).not.toHaveProperty("masterKey");
          }
        },
      });
      m.acts("----r", {
        r: () => {
          recover();
          expect(get([EVE]).identity).toMatchObject({ state: "unchanged", masterKey: keyOf("eveM") });
        },
      });
    })();
  });
});

describe("a watched user who cannot be reached any more", () => {
  it(
    "stays as they were shown, with the same devices as lastKnown",
    marbles((m) => {
      const { publish, fail, tracker } = withEve(m);
      publish("a", { a: EVES });
      const shown: UserDeviceKeys[] = [];
      m.acts("-w", { w: () => tracker.watchDeviceKeys([EVE]).subscribe((users) => shown.push(users.get(EVE)!)) });
      m.acts("--f", { f: fail });
      m.acts("----c", { c: () => tracker.close() });
      m.afterwards(() => {
        const [list, , last] = shown;
        expect(list?.freshness).toBe("current");
        expect(last).toStrictEqual({ ...list, freshness: "unreachable", lastKnown: list?.deviceKeys });
      });
    }),
  );
});
