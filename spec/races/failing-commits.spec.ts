import { defer, map } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { accountIn, answering, type Tab } from "./account-in.js";

const USERS = [BOB, CAROL, DAVE];
const FULL = new Error("the disk is full");

/** Three users whose lists are saved, at the token s1. From now on the store takes 10 ms. */
function accountOnS1(m: Marbles) {
  const { homeserver, records, open } = accountIn(m);
  for (const userId of USERS) homeserver.addDevice(userId, "A");
  const tab = open();
  tab.give(answering(null, "s1", { changed: USERS }));
  tab.lookup(USERS).subscribe();
  tab.store.takes = 10;
  /** What a page finds that is loaded now: the token, and the freshness of each list. */
  const saved$ = defer(() => {
    let token: string | undefined;
    records.syncToken$.subscribe((found) => (token = found));
    const known$ = open().tracker.getKnownDeviceKeys(USERS);
    return known$.pipe(
      map((users) => Array.from(users, ([userId, { freshness }]) => `${localpart(userId)} ${freshness}`)),
      map((users) => `${token} ${users.join(", ")}`),
    );
  });
  const tokens: string[] = [];
  tab.tracker.synced$.subscribe(({ next_batch }) => tokens.push(next_batch));
  return { tab, saved$, tokens };
}

/** One step for each user, a millisecond after the other. */
function giveSteps(m: Marbles, { give }: Tab): void {
  m.acts("-bcd", {
    b: () => give(answering("s1", "s2", { changed: [BOB] })),
    c: () => give(answering("s2", "s3", { changed: [CAROL] })),
    d: () => give(answering("s3", "s4", { changed: [DAVE] })),
  });
}

const BEFORE = { x: "s1 bob current, carol current, dave current" };
const BETWEEN = { x: "s2 bob outdated, carol current, dave current" };
const AFTER = { x: "s4 bob outdated, carol outdated, dave outdated" };

describe("a commit that fails while later ones wait", () => {
  it(
    "is passed by none of them: the saved token stays with its lists",
    marbles((m) => {
      const { tab, saved$, tokens } = accountOnS1(m);
      tab.store.failNext(FULL, "update");
      giveSteps(m, tab);
      m.expectObservable(saved$, "  50ms ^").toBe("   50ms (x|)", BEFORE);
      m.expectObservable(saved$, " 990ms ^").toBe("  990ms (x|)", BEFORE);
      m.expectObservable(saved$, "1100ms ^").toBe(" 1100ms (x|)", AFTER);
      m.afterwards(() => {
        expect(tokens).toEqual(["s2", "s3", "s4"]);
      });
    }),
  );
});

describe("commits that fail together", () => {
  it(
    "are saved together",
    marbles((m) => {
      const { tab, saved$, tokens } = accountOnS1(m);
      giveSteps(m, tab);
      m.acts("5ms f", { f: () => tab.store.failNext(FULL, "update") }); // the first one has begun
      m.expectObservable(saved$, "  50ms ^").toBe("   50ms (x|)", BETWEEN);
      m.expectObservable(saved$, " 990ms ^").toBe("  990ms (x|)", BETWEEN);
      m.expectObservable(saved$, "1100ms ^").toBe(" 1100ms (x|)", AFTER);
      m.afterwards(() => {
        expect(tokens).toEqual(["s2", "s3", "s4"]);
      });
    }),
  );
});

describe("a change that its tab cannot commit", () => {
  /** Two tabs know Bob's list; the first is given a change of Bob, and its store fails. */
  function changeInDoubt(m: Marbles) {
    const account = accountIn(m);
    const { open, replace } = account;
    const first = open();
    replace(BOB, "OLD");
    first.give(answering(null, "s1", { changed: [BOB] }));
    const second = open();
    second.lookup([BOB]).subscribe();
    m.acts("-c", {
      c: () => {
        replace(BOB, "NEW");
        first.store.failNext(FULL, "update");
        first.give(answering("s1", "s2", { changed: [BOB] }));
      },
    });
    return { ...account, first, second };
  }

  it(
    "outdates its users in other tabs, which query them again",
    marbles((m) => {
      const { second } = changeInDoubt(m);
      m.expectObservable(second.known([BOB]), "--^").toBe(" --(o|)", { o: ["bob OLD outdated"] });
      m.expectObservable(second.lookup([BOB]), "---^").toBe("---(n|)", { n: ["bob NEW current"] });
      m.expectObservable(second.lookup([BOB]), "----^").toBe("----(n|)", { n: ["bob NEW current"] });
    }),
  );

  it(
    "is shown by watchers in other tabs",
    marbles((m) => {
      const { second } = changeInDoubt(m);
      m.expectObservable(second.watch([BOB]), "^ 500ms !").toBe("o(sn)", {
        o: ["bob OLD current"],
        s: ["bob OLD superseded"],
        n: ["bob NEW current"],
      });
    }),
  );
});
