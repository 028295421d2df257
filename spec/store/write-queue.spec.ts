import { mergeMap, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError } from "../../src/model/errors.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { OWNER, stateKey } from "../../src/store/records.js";
import { MAX_RECORDS_PER_TRANSACTION, WriteQueue, type Write } from "../../src/store/write-queue.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved, savedIds } from "../support/saved.js";
import { ALICE, crowd } from "../support/users.js";

const owner = { userId: ALICE, format: 1, lifetime: "x" };

/** A queue over a store whose operations take this long. Writes are of records named by letters; what each transaction writes is logged. */
function queueIn(m: Marbles, takes = 0) {
  const log: StoreLog = { reads: [], writes: [] };
  const records = memoryStore();
  put(records, [OWNER, owner]);
  const scripted = new ScriptedStore({ scheduler: m.scheduler, takes, records: countingStore(log, records) });
  const scheduler = new CountingScheduler(m.scheduler);
  const told: string[] = [];
  const commitFailed = (error: unknown, retryIn: number) => told.push(`${String(error)}, again in ${retryIn}`);
  const queue = new WriteQueue(scripted, owner, scheduler, {
    commitFailed,
    cleared: () => told.push("cleared"),
    together: (action) => {
      action();
    },
  });
  const write = (letter: string, whenStoreFails: Write<string>["whenStoreFails"]): Observable<string> => {
    const key = stateKey(letter);
    const apply: Write<string>["apply"] = (saved) => {
      saved.set(key, letter);
      return letter;
    };
    return queue.write({ keys: [key], apply, whenStoreFails });
  };
  const transactions = () => log.writes.map((keys) => keys.map((key) => key.replace("state/", "")).join(""));
  return {
    queue,
    scripted,
    records,
    scheduler,
    told,
    transactions,
    commit: (letter: string) => write(letter, "retry"),
    save: (letter: string) => write(letter, "fail"),
  };
}

describe("WriteQueue", () => {
  it(
    "writes at once, subscribed to or not, and emits once it is durable",
    marbles((m) => {
      const { commit, records } = queueIn(m, 3);
      const a$ = commit("a");
      m.expectObservable(a$, "^-----").toBe("---(a|)");
      m.expectObservable(a$, "-----^").toBe("-----(a|)");
      m.afterwards(() => {
        expect(saved(records, stateKey("a"))).toBe("a");
      });
    }),
  );

  it(
    "answers within the call where the store does",
    marbles((m) => {
      const { commit } = queueIn(m);
      let written: string | undefined;
      commit("a").subscribe((letter) => (written = letter));
      expect(written).toBe("a");
    }),
  );

  it(
    "goes on with the write that its emission asks for",
    marbles((m) => {
      const { commit, save, transactions } = queueIn(m);
      commit("a")
        .pipe(
          mergeMap(() => save("b")),
          mergeMap(() => commit("c")),
        )
        .subscribe();
      expect(transactions()).toEqual(["a", "b", "c"]);
    }),
  );

  describe("batches", () => {
    it(
      "commits that come while a transaction is under way into the next",
      marbles((m) => {
        const { commit, transactions } = queueIn(m, 3);
        for (const letter of ["a", "b", "c"])
          m.expectObservable(commit(letter)).toBe(letter === "a" ? "---(a|)" : `------(${letter}|)`);
        m.afterwards(() => {
          expect(transactions()).toEqual(["a", "bc"]);
        });
      }),
    );

    it(
      "saves likewise, but never a save with a commit, and keeps the order",
      marbles((m) => {
        const { commit, save, transactions } = queueIn(m, 3);
        commit("a");
        save("b");
        save("c");
        commit("d");
        commit("e");
        save("f");
        m.afterwards(() => {
          expect(transactions()).toEqual(["a", "bc", "de", "f"]);
        });
      }),
    );

    it(
      "has no more records in a transaction than a store does in time, but one write whole",
      marbles((m) => {
        const { commit, queue, transactions } = queueIn(m, 3);
        const keys = crowd(MAX_RECORDS_PER_TRANSACTION).map(stateKey);
        commit("a");
        commit("b");
        queue.write({
          keys,
          apply: (records) => records.set(stateKey("@user0:example.org"), 0),
          whenStoreFails: "retry",
        });
        commit("c");
        m.afterwards(() => {
          expect(transactions()).toEqual(["a", "b", "@user0:example.org", "c"]);
        });
      }),
    );

    it(
      "lets a later write of a batch see what an earlier one wrote",
      marbles((m) => {
        const { commit, queue, records } = queueIn(m, 3);
        commit("a");
        const count: Write<void> = {
          keys: [stateKey("n")],
          apply: (found) => found.set(stateKey("n"), Number(found.get(stateKey("n")) ?? 0) + 1),
          whenStoreFails: "retry",
        };
        queue.write(count);
        queue.write(count);
        m.afterwards(() => {
          expect(saved(records, stateKey("n"))).toBe(2);
        });
      }),
    );
  });

  describe("when a write turns out to need records that it did not name", () => {
    /** Follows what is saved: from record to record, named only by the one before. Counts how often it ran. */
    function following(queue: WriteQueue, first: string, whenStoreFails: Write<void>["whenStoreFails"] = "fail") {
      const runs = { count: 0 };
      const apply: Write<string>["apply"] = (records) => {
        if (++runs.count > 10) throw new Error("it runs for ever");
        records.set(stateKey("touched"), runs.count);
        let letter = first;
        for (let i = 0; i < 10; i++) {
          records.need([stateKey(letter)]);
          const next = records.get(stateKey(letter));
          if (typeof next !== "string") break;
          letter = next;
        }
        records.set(stateKey(letter), "end");
        return letter;
      };
      return { runs, written$: queue.write({ keys: [stateKey("touched")], apply, whenStoreFails }) };
    }

    it(
      "runs it again with them, as often as it takes, and writes only what the last run gives",
      marbles((m) => {
        const { queue, records, transactions } = queueIn(m, 3);
        put(records, [stateKey("a"), "b"], [stateKey("b"), "c"]);
        const { runs, written$ } = following(queue, "a");
        m.expectObservable(written$).toBe("------------(c|)"); // four transactions: for a, for b, for c, and the one that writes
        m.afterwards(() => {
          expect(runs.count).toBe(4);
          expect(saved(records, stateKey("c"))).toBe("end");
          expect(saved(records, stateKey("touched"))).toBe(4);
          expect(transactions().filter((written) => written !== "")).toEqual(["touchedc"]);
        });
      }),
    );

    it(
      "does not where the other writes of its batch have named them",
      marbles((m) => {
        const { queue, commit, records } = queueIn(m, 3);
        commit("x");
        queue.write({
          keys: [stateKey("a")],
          apply: (found) => found.set(stateKey("a"), undefined),
          whenStoreFails: "retry",
        });
        const { runs } = following(queue, "a", "retry");
        m.afterwards(() => {
          expect(runs.count).toBe(1);
          expect(saved(records, stateKey("a"))).toBe("end");
        });
      }),
    );

    it(
      "gives the others of its batch their results, once, and what comes after it its turn",
      marbles((m) => {
        const { queue, save, records } = queueIn(m, 3);
        save("x");
        const count: Write<number> = {
          keys: [stateKey("n")],
          apply: (found) => {
            const n = Number(found.get(stateKey("n")) ?? 0) + 1;
            found.set(stateKey("n"), n);
            return n;
          },
          whenStoreFails: "fail",
        };
        m.expectObservable(queue.write(count)).toBe("---------(n|)", { n: 1 });
        m.expectObservable(following(queue, "a").written$).toBe("---------(a|)");
        m.acts("----s", { s: () => save("z") });
        m.afterwards(() => {
          expect(saved(records, stateKey("n"))).toBe(1);
          expect(savedIds(records, "state")).toEqual(expect.arrayContaining(["x", "z"]));
        });
      }),
    );

    it(
      "fails or is tried again like any other where the store fails meanwhile",
      marbles((m) => {
        const { queue, scripted, told, records } = queueIn(m);
        scripted.failNext("full", "update");
        const { written$ } = following(queue, "a", "retry");
        m.expectObservable(written$).toBe("1s (a|)");
        m.afterwards(() => {
          expect(told).toEqual(["full, again in 1000"]);
          expect(saved(records, stateKey("a"))).toBe("end");
        });
      }),
    );

    it(
      "is given up where the store was cleared meanwhile",
      marbles((m) => {
        const { queue, records } = queueIn(m, 3);
        m.acts("----c", { c: () => records.clear().subscribe() });
        m.expectObservable(following(queue, "a").written$).toBe("------#", undefined, new StoreClearedError());
        m.afterwards(() => {
          expect(savedIds(records, "state")).toEqual([]);
        });
      }),
    );

    it(
      "fails where it throws anything else, and takes nothing down with it",
      marbles((m) => {
        const { queue, save, transactions } = queueIn(m);
        const broken: Write<void> = {
          keys: [],
          apply: () => {
            throw new Error("broken");
          },
          whenStoreFails: "fail",
        };
        m.expectObservable(queue.write(broken)).toBe("#", undefined, new Error("broken"));
        save("a");
        m.afterwards(() => {
          expect(transactions()).toEqual(["a"]);
        });
      }),
    );
  });

  describe("when a commit fails", () => {
    it(
      "tries again after 1 s, doubling to 60 s, and tells each time",
      marbles((m) => {
        const { commit, scripted, told } = queueIn(m);
        for (let i = 0; i < 8; i++) scripted.failNext("full", "update");
        m.expectObservable(commit("a")).toBe("183s (a|)");
        m.afterwards(() => {
          expect(told).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((s) => `full, again in ${s * 1_000}`));
        });
      }),
    );

    it(
      "merges the commits that come meanwhile, in order, into the next try",
      marbles((m) => {
        const { commit, scripted, transactions } = queueIn(m);
        scripted.failNext("full", "update");
        m.expectObservable(commit("a")).toBe("1s (a|)");
        m.acts("-bc", { b: () => commit("b"), c: () => commit("c") });
        m.afterwards(() => {
          expect(transactions()).toEqual(["abc"]);
        });
      }),
    );

    it(
      "fails the saves that wait, and those that come while it waits",
      marbles((m) => {
        const { commit, save, scripted, queue, transactions } = queueIn(m, 2);
        scripted.failNext("full", "update");
        commit("a");
        m.expectObservable(save("b")).toBe("--#", undefined, "full");
        m.acts("--- 2s f", { f: () => expect(queue.failing).toBe(false) });
        m.acts("---s", {
          s: () =>
            save("c").subscribe({
              error: (error: unknown) => expect(error).toBe("full"),
              next: () => expect.unreachable(),
            }),
        });
        m.afterwards(() => {
          expect(transactions()).toEqual(["a"]);
        });
      }),
    );

    it(
      "fails the saves that come while its next try is under way",
      marbles((m) => {
        const { commit, save, scripted, queue } = queueIn(m, 4);
        scripted.failNext("full", "update");
        commit("a");
        let failed: unknown;
        m.acts("1005ms s", {
          s: () => {
            expect(queue.failing).toBe(true);
            save("b").subscribe({ error: (error: unknown) => (failed = error) });
          },
        });
        m.afterwards(() => {
          expect(failed).toBe("full");
        });
      }),
    );

    it(
      "saves again once it has succeeded",
      marbles((m) => {
        const { commit, save, scripted, transactions } = queueIn(m);
        scripted.failNext("full", "update");
        commit("a").subscribe(() => save("b"));
        m.afterwards(() => {
          expect(transactions()).toEqual(["a", "b"]);
        });
      }),
    );

    it(
      "holds one timer, and none once it has succeeded",
      marbles((m) => {
        const { commit, scripted, scheduler } = queueIn(m);
        scripted.failNext("full", "update");
        commit("a");
        commit("b");
        expect(scheduler.pending).toBe(1);
        m.afterwards(() => {
          expect(scheduler.pending).toBe(0);
        });
      }),
    );
  });

  describe("when a save fails", () => {
    it(
      "fails it and does not try again, and goes on with what comes after it",
      marbles((m) => {
        const { commit, save, scripted, told, transactions } = queueIn(m, 2);
        scripted.failNext("full", "update");
        m.expectObservable(save("a")).toBe("--#", undefined, "full");
        m.expectObservable(commit("b")).toBe("----(b|)");
        m.afterwards(() => {
          expect(transactions()).toEqual(["b"]);
          expect(told).toEqual([]);
        });
      }),
    );

    it(
      "fails all that were in its transaction",
      marbles((m) => {
        const { commit, save, scripted } = queueIn(m, 2);
        commit("a");
        scripted.failNext("full", "update"); // the store has begun the first update: this is for the second
        m.expectObservable(save("b")).toBe("----#", undefined, "full");
        m.expectObservable(save("c")).toBe("----#", undefined, "full");
      }),
    );

    it(
      "fails all that wait behind it, which would hang one after the other, and no commit",
      marbles((m) => {
        const { commit, save, queue, scripted, transactions } = queueIn(m, 2);
        scripted.failNext("hangs", "update");
        m.expectObservable(save("a")).toBe("--#", undefined, "hangs");
        queue
          .write({
            keys: crowd(MAX_RECORDS_PER_TRANSACTION).map(stateKey),
            apply: () => undefined,
            whenStoreFails: "fail",
          })
          .subscribe({ error: () => {} });
        m.expectObservable(save("b")).toBe("--#", undefined, "hangs");
        m.expectObservable(commit("c")).toBe("----(c|)");
        m.expectObservable(save("d")).toBe("--#", undefined, "hangs");
        m.acts("---e", { e: () => save("e") });
        m.afterwards(() => {
          expect(transactions()).toEqual(["c", "e"]);
        });
      }),
    );
  });

  describe("written()", () => {
    it(
      "completes when the commits before it are durable, and emits nothing",
      marbles((m) => {
        const { commit, queue } = queueIn(m, 3);
        commit("a");
        commit("b");
        m.expectObservable(queue.written()).toBe("------|");
      }),
    );

    it(
      "waits for a commit that is tried again",
      marbles((m) => {
        const { commit, queue, scripted } = queueIn(m);
        scripted.failNext("full", "update");
        commit("a");
        m.expectObservable(queue.written()).toBe("1s |");
      }),
    );
  });

  describe("checkOwner()", () => {
    it(
      "is content with the owner's record of this life, and with no other",
      marbles((m) => {
        const { queue, told } = queueIn(m);
        expect(queue.checkOwner(owner)).toBe(true);
        expect(queue.checkOwner({ ...owner, lifetime: "y" })).toBe(false);
        expect(queue.checkOwner(undefined)).toBe(false);
        expect(told).toEqual(["cleared"]);
      }),
    );

    it(
      "has everything fail from then on that is to be written",
      marbles((m) => {
        const { queue, commit } = queueIn(m);
        queue.checkOwner(undefined);
        m.expectObservable(commit("a")).toBe("#", undefined, new StoreClearedError());
      }),
    );
  });

  describe("when the store was cleared", () => {
    const cleared = new StoreClearedError();

    it(
      "writes nothing and fails every write, then and later, and tells once",
      marbles((m) => {
        const { commit, save, records, told } = queueIn(m, 3);
        m.acts("-c", { c: () => records.clear().subscribe() });
        m.expectObservable(commit("a")).toBe("---#", undefined, cleared);
        m.expectObservable(save("b")).toBe("---#", undefined, cleared);
        m.expectObservable(commit("c")).toBe("---#", undefined, cleared);
        m.acts("----d", {
          d: () => save("d").subscribe({ error: (error: unknown) => expect(error).toBeInstanceOf(StoreClearedError) }),
        });
        m.afterwards(() => {
          expect(savedIds(records, "state")).toEqual([]);
          expect(told).toEqual(["cleared"]);
        });
      }),
    );

    it(
      "and has an owner again, writes nothing into that life either",
      marbles((m) => {
        const { commit, records } = queueIn(m, 3);
        put(records, [OWNER, { ...owner, lifetime: "y" }]);
        m.expectObservable(commit("a")).toBe("---#", undefined, cleared);
        m.afterwards(() => {
          expect(savedIds(records, "state")).toEqual([]);
        });
      }),
    );

    it(
      "while a commit waits for its next try, gives that up then",
      marbles((m) => {
        const { commit, records, scripted, scheduler, told } = queueIn(m);
        scripted.failNext("full", "update");
        m.acts("-c", { c: () => records.clear().subscribe() });
        m.expectObservable(commit("a")).toBe("1s #", undefined, cleared);
        m.afterwards(() => {
          expect(scheduler.pending).toBe(0);
          expect(told).toEqual(["full, again in 1000", "cleared"]);
        });
      }),
    );
  });
});
