import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer } from "../support/wire.js";
import { answering } from "./account-in.js";

const OLD = answer({ [BOB]: ["OLD"] });
const NEW = answer({ [BOB]: ["NEW"] });

/** A response whose device lists throw when they are read. */
const thrower = (since: string | null, next_batch: string): SyncResponse => ({
  since,
  next_batch,
  get device_lists(): never {
    throw new Error("no JSON");
  },
});

describe("a sync response that throws when it is read", () => {
  it(
    "outdates everyone, and is reported",
    marbles((m) => {
      const sync$ = m.hot("x--y", { x: answering(null, "s1", { changed: [BOB] }), y: thrower("s1", "s2") });
      const { lookup, problems$, problems } = trackerIn(m, { sync$, answers: [of(OLD), of(NEW)] });
      m.expectObservable(lookup([BOB]), "-^---").toBe("-(o|)", { o: ["bob OLD current"] });
      m.expectObservable(lookup([BOB]), "----^").toBe("----(n|)", { n: ["bob NEW current"] });
      m.expectObservable(problems$).toBe("---p", { p: "sync-response-refused" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ error: { name: "InvalidResponseError", cause: { message: "no JSON" } } }]);
      });
    }),
  );

  it(
    "does not end the connection: later steps are applied and synced",
    marbles((m) => {
      const sync$ = m.hot("-xyz", {
        x: answering(null, "s1"),
        y: thrower("s1", "s2"),
        z: answering("s1", "s3", { changed: [CAROL] }),
      });
      const { tracker } = trackerIn(m, { sync$ });
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).join(" ")))).toBe(
        "a--c",
        {
          a: "alice",
          c: "alice carol",
        },
      );
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("-x-z", { x: "s1", z: "s3" });
    }),
  );

  it(
    "while the saved state is being loaded leaves no later step and no lookup behind",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 10 });
      const sync$ = m.hot("xy", { x: thrower(null, "s1"), y: answering(null, "s2", { changed: [BOB] }) });
      const { lookup, problems$, tracker } = trackerIn(m, { store, sync$, answers: [of(NEW)] });
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => users.size))).toBe("30ms b", { b: 2 });
      m.expectObservable(problems$).toBe("30ms p", { p: "sync-response-refused" });
      const seen: string[] = [];
      lookup([BOB]).subscribe((lines) => seen.push(...lines));
      m.afterwards(() => {
        expect(seen).toEqual(["bob NEW current"]);
      });
    }),
  );
});
