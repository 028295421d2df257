import { describe, expect, it } from "vitest";
import { listKey } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import type { SetUp } from "../support/set-up.js";
import { keyOf, listOf, signed } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { BOB } from "../support/users.js";

const OLD = listOf(BOB, signed(BOB, "BOT"));
/** The bot lost its store and kept its device ID. */
const NEW = listOf(BOB, signed(BOB, "BOT", { key: "new", curve: "newcurve" }));
const refused = { b: ["bob BOT:s !BOT:key-changed none current"] };
const accepted = { b: ["bob BOT(new):s none current"] };

/** From frame 1 on, Bob's bot has another key, which has been refused. */
function withNewKey(m: Marbles, options: SetUp = {}) {
  const under = trusting(m, options);
  under.publish("ab", { a: OLD, b: NEW });
  const isTracked = options.tracked?.length !== 0;
  // The list of a user who is not tracked is not saved: there is no device to keep.
  m.expectObservable(under.fetch(BOB), "^-").toBe("(b|)", {
    b: [`bob BOT:s none ${isTracked ? "current" : "untracked"}`],
  });
  m.expectObservable(under.fetch(BOB), "-^").toBe(
    "-(b|)",
    isTracked ? refused : { b: ["bob !BOT:key-changed none untracked"] },
  );
  return { ...under, acknowledge: (name: string) => under.tracker.acknowledgeDevice(BOB, "BOT", keyOf(name)) };
}

describe("acknowledgeDevice", () => {
  it(
    "accepts the device from the next lookup on, and after a restart",
    marbles((m) => {
      const first = withNewKey(m);
      m.expectObservable(first.acknowledge("new"), "--^").toBe("--|");
      m.expectObservable(first.get(BOB), "---^").toBe("---(b|)", accepted);
      m.expectObservable(trustingAgain(m, first).fetch(BOB), "----^").toBe("----(b|)", accepted);
      first.expectQueries("0-0 bob", "1-1 bob", "3-3 bob");
    }),
  );

  it(
    "is shown by watchers, and reported as a new key of the device",
    marbles((m) => {
      const { acknowledge, tracker, watch } = withNewKey(m);
      m.expectObservable(watch(BOB), "--^---!").toBe("--a-(sb)", {
        a: refused.b,
        s: ["bob BOT:s !BOT:key-changed none superseded"],
        b: accepted.b,
      });
      const updates: unknown[] = [];
      tracker.deviceUpdates$.subscribe(({ added, changed, rekeyed }) => updates.push({ added, changed, rekeyed }));
      m.expectObservable(acknowledge("new"), "----^").toBe("----|");
      m.afterwards(() => expect(updates.at(-1)).toEqual({ added: [], changed: [], rekeyed: ["BOT"] }));
    }),
  );

  it(
    "reaches other tabs",
    marbles((m) => {
      const first = withNewKey(m);
      const second = trustingAgain(m, first);
      m.expectObservable(second.get(BOB), "--^").toBe("--(b|)", refused);
      m.expectObservable(first.acknowledge("new"), "---^").toBe("---|");
      m.expectObservable(second.get(BOB), "----^").toBe("----(b|)", accepted);
    }),
  );

  it(
    "refuses the old key from then on",
    marbles((m) => {
      const { acknowledge, fetch, publish } = withNewKey(m);
      m.expectObservable(acknowledge("new"), "--^").toBe("--|");
      m.expectObservable(fetch(BOB), "---^").toBe("---(b|)", accepted);
      publish("----a", { a: OLD });
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", {
        b: ["bob BOT(new):s !BOT:key-changed none current"],
      });
    }),
  );

  it(
    "accepts a device that is no longer signed: its signatures were by the other key",
    marbles((m) => {
      const { acknowledge, get, publish } = withNewKey(m);
      publish("--a", { a: listOf(BOB, signed(BOB, "BOT", { key: "new", signed: false })) });
      m.expectObservable(acknowledge("new"), "--^").toBe("--|");
      m.expectObservable(get(BOB), "---^").toBe("---(b|)", { b: ["bob BOT(new): none current"] });
    }),
  );

  it(
    "supersedes a query in flight",
    marbles((m) => {
      const { fetch, get, publish, tracker } = trusting(m, { takes: 2 });
      publish("a--b", { a: OLD, b: NEW });
      m.expectObservable(fetch(BOB), "^----").toBe("--(b|)", { b: ["bob BOT:s none current"] });
      m.expectObservable(fetch(BOB), "---^-").toBe("-----(b|)", { b: ["bob BOT(new):s none superseded"] });
      m.expectObservable(tracker.acknowledgeDevice(BOB, "BOT", keyOf("new")), "----^").toBe("----|");
      m.expectObservable(get(BOB), "     -----^").toBe("-------(b|)", accepted);
    }),
  );

  it(
    "pins the key of a user who is not tracked, or of a device never seen",
    marbles((m) => {
      const { acknowledge, get, store } = withNewKey(m, { tracked: [] });
      m.expectObservable(acknowledge("new"), "--^").toBe("--|");
      m.expectObservable(get(BOB), "---^").toBe("---(b|)", { b: ["bob BOT(new):s none untracked"] });
      const pins = () => saved(store.records, listKey(BOB));
      m.acts("----c", {
        c: () => expect(pins()).toMatchObject({ pins: { devices: new Map([["BOT", keyOf("new")]]) } }),
      });
    }),
  );

  it(
    "is cold, and completes when it is durable",
    marbles((m) => {
      const { acknowledge, store } = withNewKey(m);
      const acknowledged$ = acknowledge("new");
      m.acts("--t", { t: () => (store.takes = 2) });
      m.expectObservable(acknowledged$, "---^").toBe("-----|");
    }),
  );

  it(
    "goes on when it is unsubscribed",
    marbles((m) => {
      const { acknowledge, get, store } = withNewKey(m);
      m.acts("--t-r", { t: () => (store.takes = 2), r: () => (store.takes = 0) });
      m.expectObservable(acknowledge("new"), "---^!").toBe("-----");
      m.expectObservable(get(BOB), "------^").toBe("------(b|)", accepted);
    }),
  );

  it(
    "counts at once, and waits for a store that fails",
    marbles((m) => {
      const { acknowledge, get, store } = withNewKey(m);
      m.acts("--f", { f: () => store.failNext("full", "update") });
      m.expectObservable(acknowledge("new"), "---^").toBe("--- 1s |");
      m.expectObservable(get(BOB), "----^").toBe("----(b|)", accepted);
    }),
  );

  it(
    "refuses what is no public key",
    marbles((m) => {
      const { tracker } = trusting(m);
      expect(() => tracker.acknowledgeDevice(BOB, "BOT", "key")).toThrow(
        new TypeError('ed25519Key should be an ed25519 public key in unpadded base64, not "key"'),
      );
    }),
  );
});
