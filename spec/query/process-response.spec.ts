import { map, NEVER, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { parseResponse } from "../../src/query/parse-response.js";
import type { UserId } from "../../src/model/ids.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { Answer } from "../../src/query/answer.js";
import { DeviceLists } from "../../src/lists/device-lists.js";
import { ListMemory } from "../../src/lists/list-memory.js";
import { ListSaver } from "../../src/lists/list-saver.js";
import type { SentQuery } from "../../src/query/query-request.js";
import { settle, USERS_AT_A_TIME } from "../../src/query/process-response.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { listKey, OWNER, stateKey } from "../../src/store/records.js";
import { Revision } from "../../src/store/revision.js";
import { WriteQueue } from "../../src/store/write-queue.js";
import { Emissions } from "../../src/tracker/emission-queue.js";
import { TrackedUsers } from "../../src/sync/tracked-users.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { testDevice } from "../../src/testing/test-device.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved, savedIds } from "../support/saved.js";
import { signed } from "../support/signed.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { answer } from "../support/wire.js";

const owner = { userId: ALICE, format: 1, lifetime: "x" };
const bobs = new Revision(1);

/** A store, and a memory, in which Bob is tracked at revision 1. */
function settling(scheduler: Marbles["scheduler"]) {
  const log: StoreLog = { reads: [], writes: [] };
  const store = countingStore(log, memoryStore());
  put(store, [OWNER, owner], [stateKey(BOB), { revision: 1 }]);
  const tracked = new TrackedUsers(ALICE, new Emissions(), { supersede: () => {}, sendWaiting: () => {} });
  tracked.loaded(undefined, new Map([[BOB, { revision: bobs, outdated: true }]]));
  const problems: TrackerProblem[] = [];
  const report = (problem: TrackerProblem) => problems.push(problem);
  const writes = new WriteQueue(store, owner, scheduler, {
    commitFailed: () => {},
    cleared: () => {},
    together: (action) => {
      action();
    },
  });
  const memory = new ListMemory(ALICE, tracked, 10, undefined);
  const lists = new DeviceLists({ memory, store, writes, tracked, refusesUnsigned: false, scheduler, report });
  const saver = new ListSaver({
    ownUserId: ALICE,
    memory,
    tracked,
    writes,
    store,
    scheduler,
    updated: () => {},
    report,
  });
  const run = (given: KeysQueryResponse, revisions: SentQuery["revisions"], superseded: readonly UserId[] = []) => {
    let settled: ReadonlyMap<UserId, Answer> = new Map();
    const sent: SentQuery = { revisions, isSuperseded: (user) => superseded.includes(user) };
    settle(parseResponse(given, ALICE, 0), sent, {
      memory,
      lists,
      saver,
      verifier: { verify: () => NEVER },
      ownUserId: ALICE,
      unsignedDevices: "accept",
      deadline: 60_000,
      scheduler,
      report,
    }).subscribe((answers) => (settled = answers));
    return settled;
  };
  log.writes.length = 0;

  /** An answer about more users than are verified at a time, all of them tracked; whoever is read is told to `reading`, and each portion takes the verifier a millisecond. */
  const runLarge = (superseded: ReadonlySet<UserId>, reading: (userId: UserId) => void = () => {}) => {
    const users = crowd(USERS_AT_A_TIME * 2 + 5);
    const revisions = new Map(users.map((user, i) => [user, new Revision(i + 2)]));
    put(store, ...users.map((user, i) => [stateKey(user), { revision: i + 2 }] as const));
    tracked.loaded(
      undefined,
      new Map(Array.from(revisions, ([user, revision]) => [user, { revision, outdated: true }])),
    );
    const parsed = parseResponse(
      { device_keys: Object.fromEntries(users.map((user) => [user, { PHONE: signed(user, "PHONE") }])) },
      ALICE,
      0,
    );
    const answered = (userId: UserId) => {
      reading(userId);
      return parsed(userId);
    };
    const verifier = new ScriptedVerifier({ scheduler, takes: 1 });
    const settled$: Observable<ReadonlyMap<UserId, Answer>> = settle(
      answered,
      { revisions, isSuperseded: (user) => superseded.has(user) },
      {
        memory,
        lists,
        saver,
        verifier,
        ownUserId: ALICE,
        unsignedDevices: "accept",
        deadline: 60_000,
        scheduler,
        report,
      },
    );
    return { users, verifier, settled$ };
  };
  return { store, tracked, log, problems, run, runLarge };
}

describe("settle", () => {
  it(
    "saves the list of a tracked user, whose list is then not outdated any more",
    marbles(({ scheduler }) => {
      const { store, tracked, run } = settling(scheduler);
      expect(run(answer({ [BOB]: ["B1"] }), new Map([[BOB, bobs]])).get(BOB)).toMatchObject({
        revision: bobs,
        superseded: false,
        reachable: true,
      });
      expect(savedIds(store, "list")).toEqual([BOB]);
      expect(tracked.get(BOB)).toEqual({ revision: bobs, outdated: false });
    }),
  );

  it(
    "does not save for a user who was not tracked when the query was sent",
    marbles(({ scheduler }) => {
      const { store, run } = settling(scheduler);
      expect(run(answer({ [CAROL]: ["C1"] }), new Map([[CAROL, undefined]])).get(CAROL)).toMatchObject({
        revision: undefined,
        superseded: false,
      });
      expect(savedIds(store, "list")).toEqual([]);
    }),
  );

  it(
    "does not save what is superseded",
    marbles(({ scheduler }) => {
      const { store, tracked, run } = settling(scheduler);
      expect(run(answer({ [BOB]: ["B1"] }), new Map([[BOB, bobs]]), [BOB]).get(BOB)).toMatchObject({
        superseded: true,
      });
      expect(savedIds(store, "list")).toEqual([]);
      expect(tracked.get(BOB)?.outdated).toBe(true);
    }),
  );

  it(
    "calls superseded what the store refuses, and takes over what the store knows",
    marbles(({ scheduler }) => {
      const { store, tracked, run } = settling(scheduler);
      put(store, [stateKey(BOB), { revision: 5 }]);
      expect(run(answer({ [BOB]: ["B1"] }), new Map([[BOB, bobs]])).get(BOB)).toMatchObject({ superseded: true });
      expect(savedIds(store, "list")).toEqual([]);
      expect(tracked.get(BOB)).toMatchObject({ outdated: true, revision: { committed: 5 } });
    }),
  );

  it(
    "does not save for a user whose server did not answer, and adds the last list",
    marbles(({ scheduler }) => {
      const { store, run } = settling(scheduler);
      run(answer({ [BOB]: ["B1"] }), new Map([[BOB, bobs]]));
      const settled = run(answer({}, ["example.org"]), new Map([[BOB, bobs]])).get(BOB);
      expect(settled).toMatchObject({ reachable: false, superseded: false });
      expect([...(settled?.lastKnown?.deviceKeys.keys() ?? [])]).toEqual(["B1"]);
      expect(saved(store, listKey(BOB))).toMatchObject({
        list: { deviceKeys: new Map([["B1", testDevice(BOB, "B1")]]) },
      });
    }),
  );

  it(
    "adds no last list where there is none",
    marbles(({ scheduler }) => {
      const { run } = settling(scheduler);
      expect(run(answer({}, ["example.org"]), new Map([[BOB, bobs]])).get(BOB)).not.toHaveProperty("lastKnown");
    }),
  );

  it(
    "tells what of an answer was refused, and keeps the rest",
    marbles(({ scheduler }) => {
      const { run, problems } = settling(scheduler);
      const given = { ...answer({ [BOB]: ["B1"] }), master_keys: { [BOB]: "?" } as never };
      expect(run(given, new Map([[BOB, bobs]])).get(BOB)?.list.deviceKeys.size).toBe(1);
      expect(problems).toMatchObject([{ type: "answer-refused", userId: BOB, path: "master_keys" }]);
    }),
  );

  it(
    "writes nothing where there is nothing to save",
    marbles(({ scheduler }) => {
      const { run, log } = settling(scheduler);
      run(answer({}), new Map([[CAROL, undefined]]));
      expect(log.writes).toEqual([]);
    }),
  );

  describe("an answer about many users", () => {
    const all = { a: USERS_AT_A_TIME * 2 + 5 };

    it(
      "is read and verified in portions, each once the one before is verified, and saved at once",
      marbles(({ scheduler, expectObservable, flush }) => {
        const { store, log, runLarge } = settling(scheduler);
        const readAt: number[] = [];
        const { users, settled$ } = runLarge(new Set(), () => readAt.push(scheduler.now()));
        log.writes.length = 0;
        expectObservable(settled$.pipe(map(({ size }) => size))).toBe("---(a|)", all);
        flush();
        expect(readAt).toEqual(users.map((_, i) => Math.floor(i / USERS_AT_A_TIME)));
        expect(savedIds(store, "list")).toEqual(users);
        expect(log.writes.length).toBe(1);
      }),
    );

    it(
      "is superseded for whoever changes before the last portion is verified",
      marbles(({ scheduler, expectObservable, flush }) => {
        const { store, runLarge } = settling(scheduler);
        const superseded = new Set<UserId>();
        const { users, settled$ } = runLarge(superseded);
        scheduler.schedule(() => superseded.add(users[0] ?? ""), 2);
        expectObservable(
          settled$.pipe(
            map((answers) =>
              Array.from(answers.values())
                .filter((one) => one.superseded)
                .map(({ userId }) => userId),
            ),
          ),
        ).toBe("---(a|)", { a: users.slice(0, 1) });
        flush();
        expect(savedIds(store, "list")).toEqual(users.slice(1));
      }),
    );

    it(
      "is nobody's where the verifier fails in the midst of it",
      marbles(({ scheduler, expectObservable, flush }) => {
        const { store, runLarge } = settling(scheduler);
        const { users, verifier, settled$ } = runLarge(new Set(), (user) => {
          if (user === users[USERS_AT_A_TIME]) verifier.failNext(new Error("worn out"));
        });
        expectObservable(settled$.pipe(map(({ size }) => size))).toBe(
          "--#",
          undefined,
          expect.objectContaining({ name: "VerificationFailedError", signatures: USERS_AT_A_TIME }),
        );
        flush();
        expect(savedIds(store, "list")).toEqual([]);
      }),
    );
  });
});
