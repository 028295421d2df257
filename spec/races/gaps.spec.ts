import { map, NEVER, of, take, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { InvalidResponseError, StoreClearedError } from "../../src/model/errors.js";
import type { DeviceLists } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, step } from "../support/wire.js";
import { answering } from "./account-in.js";

const OLD = answer({ [BOB]: ["OLD"] });
const NEW = answer({ [BOB]: ["NEW"] });
const told = (lists: DeviceLists) => of(lists);

const lists = {
  o: ["bob OLD current"],
  n: ["bob NEW current"],
  s: ["bob OLD superseded"],
  t: ["bob NEW superseded"],
};

/** Memory stands on `s1`; what comes next answers `s5`. */
const start = step("s1");
const gap = answering("s5", "s6");

describe("a watcher", () => {
  it.each<[string, KeysApi["changes"]]>([
    ["that could not be closed", () => throwError(() => new Error("no network"))],
    ["in which nothing was missed", () => told({})],
  ])("whose query was in flight when a gap came %s asks again, and shows what is current", (_, changes) => {
    marbles((m) => {
      const sync$ = m.hot("x-y---", { x: start, y: gap });
      const slow$ = m.cold("---(o|)", { o: OLD });
      const { watch, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [slow$, of(NEW)], changes });
      m.expectObservable(watch([BOB]), "-^ 10m !").toBe("--n", lists); // at once: it was no announcement, which might be an echo of the query
      m.expectObservable(asked$).toBe("                  -qq", { q: "bob" });
    })();
  });

  it(
    "that shows a list as superseded only because steps were missing shows it as current once they are known",
    marbles((m) => {
      const store = memoryStore();
      const changes = () => m.cold("                    50ms (c|)", { c: {} });
      const other$ = m.hot(" x-- 20s y                        ", {
        x: start,
        y: answering("s1", "s2", { changed: [BOB] }),
      });
      const frozen$ = m.hot("x-- 20s --z                      ", { x: start, z: gap });
      trackerIn(m, { store, sync$: other$, tracking: [BOB] });
      const { watch, asked$ } = trackerIn(m, { store, sync$: frozen$, answers: [of(OLD), of(NEW)], changes });
      m.expectObservable(watch([BOB]), "-^ 10m !").toBe("-o- 20s --t 49ms n", lists);
      m.expectObservable(asked$).toBe("-q- 20s --q", { q: "bob" });
    }),
  );

  it(
    "that has waited with a user, and asked while steps were missing, shows the list that was the same as current once they are known",
    marbles((m) => {
      const announced = {
        x: start,
        b: answering("s1", "s2", { changed: [BOB] }), // an echo of our query: asked again after 30 s
        c: answering("s2", "s3", { changed: [CAROL] }), // has Bob shown as superseded
        y: gap,
      };
      const answers = [of(answer({ [BOB]: ["OLD"], [CAROL]: ["C1"] })), of(answer({ [CAROL]: ["C2"] })), of(OLD)];
      const sync$ = m.hot("                       x----b 10994ms c 13999ms y", announced);
      const changes = () => m.cold("                                       10s (c|)", { c: {} });
      const { watch, asked$ } = trackerIn(m, { tracking: [BOB, CAROL], sync$, answers, changes });
      m.expectObservable(watch([BOB, CAROL]), "   -^ 10m !").toBe("-o 10998ms s 23999ms n", {
        o: ["bob OLD current", "carol C1 current"],
        s: ["bob OLD superseded", "carol C2 current"],
        n: ["bob OLD current", "carol C2 current"],
      });
      m.expectObservable(asked$).toBe("           -x 10998ms c 19004ms b", { x: "bob carol", c: "carol", b: "bob" });
    }),
  );
});

describe("leaving from inside the emission of the saved state", () => {
  it(
    "does not have it loaded once more",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { known } = trackerIn(m, { store });
      m.expectObservable(known([BOB]).pipe(take(1)), "-^-").toBe("-(x|)", { x: [] });
      m.expectObservable(known([BOB]).pipe(take(1)), "--^").toBe("--(x|)", { x: [] });
      m.afterwards(() => {
        expect(store.begun.readKinds).toBe(1);
      });
    }),
  );

  it(
    "does not forget a step that was applied with it, and is not saved yet",
    marbles((m) => {
      const records = memoryStore();
      trackerIn(m, { store: records, sync$: of(start), tracking: [BOB], answers: [of(OLD)] })
        .lookup([BOB])
        .subscribe();
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 5, records });
      store.failNext(new Error("the disk is full"), "update");
      const sync$ = m.hot("-(x|)", { x: answering("s1", "s2", { changed: [BOB] }) });
      const { known, lookup } = trackerIn(m, { store, sync$, answers: [of(NEW)] });
      m.expectObservable(known([]).pipe(take(1)), "--^").toBe("            10ms (x|)", { x: [] });
      m.expectObservable(lookup([BOB]), "          20ms ^").toBe("25ms (n|)", lists); // while the store takes no writes, it is asked what it has pinned
    }),
  );
});

describe("a gap", () => {
  it(
    "that supersedes a query in flight makes room for users who wait",
    marbles((m) => {
      const sync$ = m.hot("               x--y----", { x: start, y: gap });
      const { lookup, asked$ } = trackerIn(m, {
        sync$,
        tracking: [BOB, CAROL],
        maxConcurrentQueries: 1,
        answers: [NEVER, of(answer({ [CAROL]: ["C1"] }))],
        changes: () => NEVER,
      });
      m.expectObservable(lookup([BOB]), " -^----!").toBe("-");
      m.expectObservable(lookup([CAROL]), "-^----!").toBe("---(c|)", { c: ["carol C1 superseded"] });
      m.expectObservable(asked$).toBe("   -b-c", { b: "bob", c: "carol" });
    }),
  );
});

describe("clear()", () => {
  const cleared = new StoreClearedError();

  it(
    "while lookups wait at a gap fails them, and sends nothing",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("                x-y------", { x: start, y: gap });
      const changes$ = m.cold("              -----(c|)", { c: { changed: [BOB] } });
      const { lookup, asked$, tracker } = trackerIn(m, {
        store,
        sync$,
        tracking: [BOB],
        answers: [of(OLD)],
        changes: () => changes$,
      });
      tracker.synced$.subscribe({ error: () => {} }); // or its end would be reported as unhandled
      m.acts("                             ----c----", { c: () => store.clear().subscribe() });
      m.expectObservable(lookup([BOB]), "  -^-------").toBe("-(o|)", lists);
      m.expectObservable(lookup([BOB]), "  ---^-----").toBe("-------#", undefined, cleared);
      m.expectObservable(lookup([CAROL]), "-----^---").toBe("-------#", undefined, cleared);
      m.expectObservable(asked$).toBe("    -q", { q: "bob" });
    }),
  );

  it.each([
    ["before the first connection", false],
    ["after the last one has ended", true],
  ])("is told to subscribers of synced$ %s", (_, connected) => {
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { lookup, tracker } = trackerIn(m, {
        store,
        sync$: m.hot("(x|)", { x: start }),
        connected,
        tracking: [BOB],
        answers: [of(OLD)],
      });
      m.acts("                            --c--", { c: () => store.clear().subscribe() });
      m.expectObservable(lookup([BOB]), " ---^-").toBe("---#", undefined, cleared); // finds it out
      m.expectObservable(tracker.synced$, "-^---").toBe("---#", undefined, cleared);
    })();
  });
});

describe("what the server says of missed steps", () => {
  it(
    "is told of where it names what is no user",
    marbles((m) => {
      const sync$ = m.hot("x-y", { x: start, y: gap });
      const { problems } = trackerIn(m, {
        tracking: [BOB],
        sync$,
        changes: () => told({ changed: ["nonsense", BOB], left: ["@no-server"] }),
      });
      m.afterwards(() => {
        expect(problems).toMatchObject([
          { type: "gap", caughtUp: true },
          { type: "user-ids-refused", source: "keys_changes", userIds: ["nonsense", "@no-server"], count: 2 },
        ]);
      });
    }),
  );

  it(
    "is refused where it is null: everyone is outdated, and the gap is told of with the error",
    marbles((m) => {
      const sync$ = m.hot("x-y--", { x: start, y: gap });
      const { lookup, problems } = trackerIn(m, {
        tracking: [BOB],
        sync$,
        answers: [of(OLD), of(NEW)],
        changes: () => told(null as never),
      });
      m.expectObservable(lookup([BOB]), "-^---").toBe("-(o|)", lists);
      m.expectObservable(lookup([BOB]), "---^-").toBe("---(n|)", lists);
      m.afterwards(() => {
        expect(problems).toMatchObject([
          {
            type: "gap",
            from: "s1",
            to: "s5",
            caughtUp: false,
            error: expect.any(InvalidResponseError) as InvalidResponseError,
          },
        ]);
      });
    }),
  );
});

describe("where gap follows gap", () => {
  /** The application says of each response that it answers some token of its own; each gap takes until queryDeadline, 4 ms. */
  const sync$ = "       x-abcd---------------";
  const responses = {
    x: start,
    a: answering("own1", "a"),
    b: answering("own2", "b"),
    c: answering("own3", "c"),
    d: answering("own4", "d"),
  };

  it(
    "a lookup waits for no more than one of them, and track() for all",
    marbles((m) => {
      const { lookup, tracker } = trackerIn(m, {
        tracking: [BOB],
        sync$: m.hot(sync$, responses),
        queryDeadline: 4,
        answers: [of(OLD)],
        changes: () => NEVER,
      });
      m.expectObservable(lookup([BOB]), "  ---^---").toBe("       ------(s|)", lists);
      m.expectObservable(tracker.track([CAROL]), "---^---").toBe("------------------|");
    }),
  );

  it(
    "every step is synced, in order",
    marbles((m) => {
      const { tracker } = trackerIn(m, {
        tracking: [BOB],
        sync$: m.hot(sync$, responses),
        queryDeadline: 4,
        changes: () => NEVER,
      });
      const tokens$ = tracker.synced$.pipe(map(({ next_batch }) => next_batch));
      m.expectObservable(tokens$).toBe("x-----a---b---c---d", { x: "s1", a: "a", b: "b", c: "c", d: "d" });
    }),
  );
});

describe("an initial sync that is repeated, and leads where the store stands", () => {
  it(
    "asks nothing, and outdates nobody",
    marbles((m) => {
      const asked: unknown[] = [];
      const changes: KeysApi["changes"] = (range) => {
        asked.push(range);
        return throwError(() => new Error("no network"));
      };
      const initial = answering(null, "s1");
      const { lookup, known, tracker, problems } = trackerIn(m, {
        tracking: [BOB],
        sync$: m.hot("x-x--", { x: initial }),
        answers: [of(OLD)],
        changes,
      });
      m.expectObservable(lookup([BOB]), "-^---").toBe("-(o|)", lists);
      m.expectObservable(known([BOB]), " ---^-").toBe("---(o|)", lists);
      m.expectObservable(tracker.deviceChanges$.pipe(map((all) => all.changed.map(localpart)))).toBe("-");
      m.afterwards(() => {
        expect(asked).toEqual([]);
        expect(problems).toEqual([]);
      });
    }),
  );
});
