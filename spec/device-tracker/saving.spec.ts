import { describe, expect, it } from "vitest";
import { listKey } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { otherTab, setUp, type SetUp } from "../support/set-up.js";
import { BOB, CAROL } from "../support/users.js";
import { changed } from "../support/wire.js";

/** Bob and Carol are tracked, queries take 2 ms, and operations of the store take as long as given. */
function saving(m: Marbles, takes: number, options: SetUp = {}) {
  const devices = { [BOB]: ["B1"], [CAROL]: ["C1"] };
  const under = setUp(m, { tracked: [BOB, CAROL], devices, answerAfter: 2, ...options });
  under.store.takes = takes;
  return { ...under, savedList: () => saved(under.store.records, listKey(BOB)) };
}

describe("saving a list", () => {
  it(
    "comes before the value is emitted",
    marbles((m) => {
      const { lookup, savedList, expectQueries } = saving(m, 3);
      let savedThen: unknown;
      lookup([BOB]).subscribe(() => (savedThen = savedList()));
      m.expectObservable(lookup([BOB])).toBe("-----(b|)", { b: ["bob B1 current"] });
      expectQueries("0-2 bob");
      m.afterwards(() => {
        expect(savedThen).toBeDefined();
      });
    }),
  );

  it(
    "goes on when all callers unsubscribe after the response",
    marbles((m) => {
      const { lookup, savedList, expectQueries } = saving(m, 4);
      m.expectObservable(lookup([BOB]), "^--!").toBe("----");
      m.expectObservable(lookup([BOB]), "--------^").toBe("--------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-2 bob");
      m.afterwards(() => {
        expect(savedList()).toBeDefined();
      });
    }),
  );

  it(
    "is joined by later callers",
    marbles((m) => {
      const { lookup, expectQueries } = saving(m, 4);
      m.expectObservable(lookup([BOB]), "^--!").toBe("----");
      m.expectObservable(lookup([BOB]), "----^").toBe("------(b|)", { b: ["bob B1 current"] });
      expectQueries("0-2 bob");
    }),
  );

  it(
    "does not happen if the request was aborted before its response",
    marbles((m) => {
      const { lookup, savedList } = saving(m, 0);
      m.expectObservable(lookup([BOB]), "^!").toBe("--");
      m.afterwards(() => {
        expect(savedList()).toBeUndefined();
      });
    }),
  );

  it(
    "does not happen for an untracked user",
    marbles((m) => {
      const { lookup, savedList } = saving(m, 0, { tracked: [] });
      m.expectObservable(lookup([BOB])).toBe("--(b|)", { b: ["bob B1 untracked"] });
      m.afterwards(() => {
        expect(savedList() ?? {}).not.toHaveProperty("saved");
      });
    }),
  );

  it(
    "that fails is reported, and memory keeps the list",
    marbles((m) => {
      const { lookup, store, savedList, problems$, problems, expectQueries } = saving(m, 0);
      store.failNext("the disk is full", "update");
      m.expectObservable(lookup([BOB]), "^---").toBe("--(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "---^").toBe("---(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("--p", { p: "save-failed" });
      expectQueries("0-2 bob");
      m.afterwards(() => {
        expect(problems).toMatchObject([{ userIds: [BOB], error: "the disk is full" }]);
        expect(savedList()).toBeUndefined();
      });
    }),
  );
});

describe("a list whose user changed in another tab, before that is announced here", () => {
  /** Another tab, which syncs; its announcements take 5 ms to arrive here. */
  function withOtherTab(m: Marbles) {
    const here = saving(m, 0, { sync$: m.hot("-") });
    const slow = new ScriptedStore({ scheduler: m.scheduler, records: here.store.records, announceAfter: 5 });
    const under = setUp(m, { store: slow, homeserver: here.homeserver, sync$: m.hot("-") });
    otherTab(m, here, { sync$: m.hot("-x", { x: changed(BOB) }) });
    under.lookup([]).subscribe(); // it has loaded its state before the change
    return under;
  }

  it(
    "is not saved, is superseded, and is queried again",
    marbles((m) => {
      const { lookup, expectQueries } = withOtherTab(m);
      m.expectObservable(lookup([BOB]), "^--").toBe("--(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(lookup([BOB]), "---^").toBe("-----(b|)", { b: ["bob B1 current"] });
      expectQueries("0-2 bob", "3-5 bob");
    }),
  );

  it(
    "does not keep the others of its request from being saved",
    marbles((m) => {
      const { lookup } = withOtherTab(m);
      m.expectObservable(lookup([BOB, CAROL])).toBe("--(x|)", { x: ["bob B1 superseded", "carol C1 current"] });
    }),
  );
});
