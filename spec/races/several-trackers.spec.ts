import { defer } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError } from "../../src/model/errors.js";
import type { DeviceLists } from "../../src/model/wire.js";
import { listKey } from "../../src/store/records.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved, savedIds } from "../support/saved.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { accountIn, answering, unreadable, type Tab } from "./account-in.js";

const lists = {
  o: ["carol OLD superseded"],
  n: ["carol NEW current"],
};

/** Two tabs whose memory and store stand on s1. */
function tabsOnS1(m: Marbles, announced: DeviceLists = {}) {
  const account = accountIn(m);
  const first = account.open();
  first.give(answering(null, "s1", announced));
  return { ...account, first, second: account.open() };
}

interface Way {
  readonly way: string;
  /** What s1 announced. */
  readonly before: DeviceLists;
  /** Makes Carol outdated in this tab. */
  readonly outdate: (tab: Tab) => unknown;
}

/*
 *   first     ─a────────────(commit)   a: Carol is outdated, and asked for at once; the answer is OLD
 *   second    ───b                     b: Carol's new device is announced, and committed before first's commit
 *
 * First's commit is the later one and gets the greater revision, but its answer is older than the change that second was given.
 */
describe("a list that was asked for before a step which another tab commits first", () => {
  const ways: readonly Way[] = [
    { way: "by a step", before: {}, outdate: ({ give }) => give(answering("s1", "s2", { changed: [CAROL] })) },
    {
      way: "by lists that cannot be understood, which outdates everyone",
      before: { changed: [CAROL] },
      outdate: ({ give }) => give(unreadable("s1", "s2")),
    },
  ];

  describe.each(ways)("outdated $way", ({ before, outdate }) => {
    function race(m: Marbles): ReturnType<typeof tabsOnS1> {
      const account = tabsOnS1(m, before);
      const { first, second, replace } = account;
      replace(CAROL, "OLD");
      first.store.takes = 10;
      m.acts("-a-b", {
        a: () => outdate(first),
        b: () => {
          replace(CAROL, "NEW");
          second.give(answering("s1", "s3", { changed: [CAROL] }));
        },
      });
      m.expectObservable(first.lookup([CAROL]), "--^").toBe("21ms (o|)", lists);
      return account;
    }

    it(
      "is not current for the tab that asked",
      marbles((m) => {
        const { first } = race(m);
        m.acts("40ms a", { a: () => (first.store.takes = 0) });
        m.expectObservable(first.lookup([CAROL]), "50ms ^").toBe("50ms (n|)", lists);
      }),
    );

    it(
      "is not current for the tab that was given the step",
      marbles((m) => {
        const { second } = race(m);
        m.acts("50ms a", { a: () => second.lookup([CAROL]).subscribe() }); // finds out that the store has moved on
        m.expectObservable(second.lookup([CAROL]), "60ms ^").toBe("60ms (n|)", lists);
      }),
    );

    it(
      "is not current after a restart",
      marbles((m) => {
        const { open } = race(m);
        m.expectObservable(
          defer(() => open().lookup([CAROL])),
          "50ms ^",
        ).toBe("50ms (n|)", lists);
      }),
    );

    it(
      "is not in the store",
      marbles((m) => {
        const { records } = race(m);
        m.afterwards(() => {
          expect(savedIds(records, "list")).toEqual([]);
        });
      }),
    );
  });
});

describe("a list that was asked for after track(), before steps which another tab commits first", () => {
  /** Carol changes, and leaves; the track() that comes after that in the store is from before it in memory. */
  function race(m: Marbles): ReturnType<typeof tabsOnS1> {
    const account = tabsOnS1(m);
    const { first, second, replace } = account;
    replace(CAROL, "OLD");
    first.store.takes = 10;
    m.acts("-a-b", {
      a: () => first.tracker.track([CAROL]).subscribe(),
      b: () => {
        replace(CAROL, "NEW");
        second.give(answering("s1", "s2", { changed: [CAROL] }), answering("s2", "s3", { left: [CAROL] }));
      },
    });
    m.expectObservable(first.lookup([CAROL]), "--^").toBe("21ms (o|)", lists);
    return account;
  }

  it(
    "is not current for the tab that asked",
    marbles((m) => {
      const { first } = race(m);
      m.acts("40ms a", { a: () => (first.store.takes = 0) });
      m.expectObservable(first.lookup([CAROL]), "50ms ^").toBe("50ms (n|)", lists);
    }),
  );

  it(
    "is not current after a restart",
    marbles((m) => {
      const { open } = race(m);
      m.expectObservable(
        defer(() => open().lookup([CAROL])),
        "50ms ^",
      ).toBe("50ms (n|)", lists);
    }),
  );

  it(
    "is not in the store, where Carol is tracked",
    marbles((m) => {
      const { records } = race(m);
      m.afterwards(() => {
        expect(savedIds(records, "list")).toEqual([]);
        expect(savedIds(records, "state")).toEqual([CAROL]);
      });
    }),
  );
});

describe("a step whose two tokens have come before", () => {
  it(
    "is committed where it names somebody else: some servers repeat tokens",
    marbles((m) => {
      const { replace, open } = accountIn(m);
      const { give, lookup } = open();
      replace(CAROL, "OLD");
      give(answering(null, "a", { changed: [CAROL] }));
      lookup([CAROL]).subscribe();
      give(answering("a", "b", { changed: [BOB] }), answering("b", "a"));
      replace(CAROL, "NEW");
      give(answering("a", "b", { changed: [CAROL] }));
      m.expectObservable(open().known([CAROL])).toBe("(o|)", { o: ["carol OLD outdated"] });
      m.expectObservable(lookup([CAROL]), "-^").toBe("-(n|)", lists);
      m.expectObservable(
        defer(() => open().lookup([CAROL])),
        "--^",
      ).toBe("--(n|)", lists);
    }),
  );

  it(
    "is committed where it names the same user, whose list was fetched between the two",
    marbles((m) => {
      const { replace, open } = accountIn(m);
      const { give, lookup } = open();
      give(answering(null, "a"), answering("a", "b", { changed: [CAROL] }));
      replace(CAROL, "OLD");
      lookup([CAROL]).subscribe();
      give(answering("b", "a", { changed: [CAROL] }));
      lookup([CAROL]).subscribe();
      replace(CAROL, "NEW");
      give(answering("a", "b", { changed: [CAROL] }));
      m.expectObservable(lookup([CAROL])).toBe("(n|)", lists);
    }),
  );

  it(
    "is not committed again where another tab has done so: the list that it fetched since is used by all",
    marbles((m) => {
      const { homeserver, replace, first, second, open } = tabsOnS1(m);
      replace(CAROL, "NEW");
      const step = answering("s1", "s2", { changed: [CAROL] });
      first.give(step);
      m.expectObservable(first.lookup([CAROL])).toBe("(n|)", lists);
      m.acts("-g", { g: () => second.give(step) });
      m.expectObservable(second.lookup([CAROL]), "--^").toBe("--(n|)", lists);
      m.expectObservable(first.lookup([CAROL]), "--^").toBe("--(n|)", lists);
      m.expectObservable(
        defer(() => open().lookup([CAROL])),
        "--^",
      ).toBe("--(n|)", lists);
      m.afterwards(() => {
        expect(homeserver.queries).toHaveLength(1);
      });
    }),
  );

  it(
    "is not committed again either where one of its users has left since: nobody's list is thrown away, and nobody comes back",
    marbles((m) => {
      const { homeserver, records, first, second, open } = tabsOnS1(m);
      homeserver.addDevice(BOB, "B1");
      const steps = [answering("s1", "s2", { changed: [BOB, CAROL] }), answering("s2", "s3", { left: [CAROL] })];
      const bob = { b: ["bob B1 current"] };
      first.give(...steps);
      m.expectObservable(first.lookup([BOB])).toBe("(b|)", bob);
      m.acts("-g", { g: () => second.give(...steps) });
      m.expectObservable(second.lookup([BOB]), "--^").toBe("--(b|)", bob);
      m.expectObservable(
        defer(() => open().lookup([BOB])),
        "--^",
      ).toBe("--(b|)", bob);
      m.afterwards(() => {
        expect(homeserver.queries).toHaveLength(1);
        expect(savedIds(records, "state")).toEqual([BOB]);
      });
    }),
  );
});

describe("getKnownDeviceKeys", () => {
  it(
    "gives the list that another tab has fetched and saved since, not the older one in memory",
    marbles((m) => {
      const { homeserver, replace, first, second } = tabsOnS1(m, { changed: [CAROL] });
      replace(CAROL, "OLD");
      first.lookup([CAROL]).subscribe();
      first.lookup([CAROL]).subscribe(); // from memory
      replace(CAROL, "NEW");
      const step = answering("s1", "s2", { changed: [CAROL] });
      second.give(step);
      second.lookup([CAROL]).subscribe();
      first.give(step);
      m.expectObservable(first.known([CAROL])).toBe("(n|)", lists);
      m.expectObservable(first.lookup([CAROL]), "-^").toBe("-(n|)", lists);
      m.afterwards(() => {
        expect(homeserver.queries).toHaveLength(2);
      });
    }),
  );
});

describe("a store that was cleared, and then taken by another account", () => {
  const cleared = new StoreClearedError();

  /** A tracker that knows Bob's list to be saved, has not read it, and knows nothing of the log-out. */
  function formerTab(m: Marbles): Tab {
    const { homeserver, records, open } = accountIn(m);
    homeserver.addDevice(BOB, "MINE");
    const first = open();
    first.give(answering(null, "s1", { changed: [BOB] }));
    first.lookup([BOB]).subscribe();
    const former = open();
    records.clear().subscribe();

    const theirs = new ScriptedHomeserver({ scheduler: m.scheduler });
    theirs.addDevice(BOB, "THEIRS");
    const other = open({ userId: DAVE, keysApi: theirs.keysApi });
    other.give(
      answering(null, "t1"),
      answering("t1", "t2", { changed: [BOB] }),
      answering("t2", "t3", { changed: [BOB] }),
    );
    other.lookup([BOB]).subscribe();
    m.expectObservable(other.known([BOB])).toBe("(t|)", { t: ["bob THEIRS current"] });
    return former;
  }

  it(
    "fails the lookups of the former account's tracker",
    marbles((m) => {
      const { lookup, known } = formerTab(m);
      m.expectObservable(lookup([BOB]), "-^").toBe("-#", undefined, cleared);
      m.expectObservable(lookup([BOB]), "--^").toBe("--#", undefined, cleared);
      m.expectObservable(known([BOB]), "---^").toBe("---#", undefined, cleared);
    }),
  );

  it(
    "fails getKnownDeviceKeys where that is what finds it out",
    marbles((m) => {
      const { known, problems$ } = formerTab(m);
      m.expectObservable(known([BOB]), "-^").toBe("-#", undefined, cleared);
      m.expectObservable(problems$).toBe("-c", { c: "store-cleared" });
    }),
  );

  it(
    "takes no list of the former account's: a forced download gives superseded, and lookups fail after it",
    marbles((m) => {
      const { lookup, store } = formerTab(m);
      const before = saved(store.records, listKey(BOB));
      m.expectObservable(lookup([BOB], { forceDownload: true }), "-^").toBe("-(s|)", { s: ["bob MINE superseded"] });
      m.expectObservable(lookup([BOB]), "--^").toBe("--#", undefined, cleared);
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toEqual(before);
      });
    }),
  );

  it(
    "shows watchers of the former account's tracker nothing of it, and does not fail them",
    marbles((m) => {
      const { watch } = formerTab(m);
      m.expectObservable(watch([BOB]), "-^ 60s !").toBe("-");
    }),
  );
});
