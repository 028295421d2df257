import { defer, map } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { accountIn, answering, type Tab } from "./account-in.js";

const USERS = [BOB, CAROL, DAVE];
const ERROR = new Error("the disk is full");

/** Three users whose lists are saved, with the token s1; the store takes 10 ms from now on. */
function accountOnS1(m: Marbles) {
  const { homeserver, records, open } = accountIn(m);
  for (const userId of USERS) homeserver.addDevice(userId, "A");
  const tab = open();
  tab.give(answering(null, "s1", { changed: USERS }));
  tab.lookup(USERS).subscribe();
  tab.store.takes = 10;
  /** What a page finds that is loaded then: the token, and whose list it takes for current. */
  const saved = defer(() => {
    let token: string | undefined;
    records.syncToken$.subscribe((found) => (token = found));
    const { tracker } = open();
    return tracker
      .getKnownDeviceKeys(USERS)
      .pipe(
        map(
          (users) =>
            `${token} ${Array.from(users, ([userId, { freshness }]) => `${localpart(userId)} ${freshness}`).join(", ")}`,
        ),
      );
  });
  const tokens: string[] = [];
  tab.tracker.synced$.subscribe(({ next_batch }) => tokens.push(next_batch));
  return { tab, saved, tokens };
}

/** One step for each user, a millisecond after the other. */
const giveSteps = (m: Marbles, { give }: Tab): void => {
  m.acts("-bcd", {
    b: () => {
      give(answering("s1", "s2", { changed: [BOB] }));
    },
    c: () => {
      give(answering("s2", "s3", { changed: [CAROL] }));
    },
    d: () => {
      give(answering("s3", "s4", { changed: [DAVE] }));
    },
  });
};

const was = { x: "s1 bob current, carol current, dave current" };
const between = { x: "s2 bob outdated, carol current, dave current" };
const is = { x: "s4 bob outdated, carol outdated, dave outdated" };

describe("a commit that fails while later ones wait", () => {
  it(
    "is passed by none of them: the token stays with the lists that go with it, and then all are saved",
    marbles((m) => {
      const { tab, saved, tokens } = accountOnS1(m);
      tab.store.failNext(ERROR, "update");
      giveSteps(m, tab);
      m.expectObservable(saved, "   50ms ^").toBe("  50ms (x|)", was);
      m.expectObservable(saved, " 1000ms ^").toBe("1000ms (x|)", was);
      m.expectObservable(saved, " 1100ms ^").toBe("1100ms (x|)", is);
      m.afterwards(() => {
        expect(tokens).toEqual(["s2", "s3", "s4"]);
      });
    }),
  );
});

describe("commits that fail together", () => {
  it(
    "are saved together, every one of them",
    marbles((m) => {
      const { tab, saved, tokens } = accountOnS1(m);
      giveSteps(m, tab);
      m.acts("5ms f", {
        f: () => {
          tab.store.failNext(ERROR, "update");
        },
      }); // the first is on its way by then
      m.expectObservable(saved, "   50ms ^").toBe("  50ms (x|)", between);
      m.expectObservable(saved, " 1000ms ^").toBe("1000ms (x|)", between);
      m.expectObservable(saved, " 1100ms ^").toBe("1100ms (x|)", is);
      m.afterwards(() => {
        expect(tokens).toEqual(["s2", "s3", "s4"]);
      });
    }),
  );
});
