import { NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { parseAnswer } from "../../src/keys/parse-answer.js";
import type { UserId } from "../../src/model/ids.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { Answer } from "../../src/query/answer.js";
import { DeviceLists } from "../../src/query/device-lists.js";
import { ListMemory } from "../../src/query/list-memory.js";
import { ListSaver } from "../../src/query/list-saver.js";
import type { SentQuery } from "../../src/query/query-request.js";
import { settle } from "../../src/query/settle.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { listKey, OWNER, stateKey } from "../../src/store/records.js";
import { Revision } from "../../src/store/revision.js";
import { WriteQueue } from "../../src/store/write-queue.js";
import { Emissions } from "../../src/sync/emissions.js";
import { TrackedUsers } from "../../src/sync/tracked-users.js";
import { testDevice } from "../../src/testing/test-device.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved, savedIds } from "../support/saved.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
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
  const writes = new WriteQueue(store, owner, scheduler, { commitFailed: () => {}, cleared: () => {} });
  const memory = new ListMemory(ALICE, tracked, 10, undefined);
  const lists = new DeviceLists({ memory, store, writes, tracked, refusesUnsigned: false, scheduler, report });
  const saver = new ListSaver({ ownUserId: ALICE, memory, tracked, writes, store, scheduler, updated: () => {}, report });
  const run = (given: KeysQueryResponse, revisions: SentQuery["revisions"], superseded: readonly UserId[] = []) => {
    let settled: ReadonlyMap<UserId, Answer> = new Map();
    const sent: SentQuery = { revisions, isSuperseded: (user) => superseded.includes(user) };
    settle(parseAnswer(given, revisions.keys(), ALICE, 0), sent, { memory, lists, saver, verifier: { verify: () => NEVER }, ownUserId: ALICE, unsignedDevices: "accept", deadline: 60_000, scheduler, report }).subscribe((answers) => (settled = answers));
    return settled;
  };
  log.writes.length = 0;
  return { store, tracked, log, problems, run };
}

describe("settle", () => {
  it("saves the list of a tracked user, whose list is then not outdated any more", marbles(({ scheduler }) => {
    const { store, tracked, run } = settling(scheduler);
    expect(run(answer({ [BOB]: ["B1"] }), new Map([[BOB, bobs]])).get(BOB)).toMatchObject({ revision: bobs, superseded: false, reachable: true });
    expect(savedIds(store, "list")).toEqual([BOB]);
    expect(tracked.get(BOB)).toEqual({ revision: bobs, outdated: false });
  }));

  it("does not save for a user who was not tracked when the query was sent", marbles(({ scheduler }) => {
    const { store, run } = settling(scheduler);
    expect(run(answer({ [CAROL]: ["C1"] }), new Map([[CAROL, undefined]])).get(CAROL)).toMatchObject({ revision: undefined, superseded: false });
    expect(savedIds(store, "list")).toEqual([]);
  }));

  it("does not save what is superseded", marbles(({ scheduler }) => {
    const { store, tracked, run } = settling(scheduler);
    expect(run(answer({ [BOB]: ["B1"] }), new Map([[BOB, bobs]]), [BOB]).get(BOB)).toMatchObject({ superseded: true });
    expect(savedIds(store, "list")).toEqual([]);
    expect(tracked.get(BOB)?.outdated).toBe(true);
  }));

  it("calls superseded what the store refuses, and takes over what the store knows", marbles(({ scheduler }) => {
    const { store, tracked, run } = settling(scheduler);
    put(store, [stateKey(BOB), { revision: 5 }]);
    expect(run(answer({ [BOB]: ["B1"] }), new Map([[BOB, bobs]])).get(BOB)).toMatchObject({ superseded: true });
    expect(savedIds(store, "list")).toEqual([]);
    expect(tracked.get(BOB)).toMatchObject({ outdated: true, revision: { committed: 5 } });
  }));

  it("does not save for a user whose server did not answer, and adds the last list", marbles(({ scheduler }) => {
    const { store, run } = settling(scheduler);
    run(answer({ [BOB]: ["B1"] }), new Map([[BOB, bobs]]));
    const settled = run(answer({}, ["example.org"]), new Map([[BOB, bobs]])).get(BOB);
    expect(settled).toMatchObject({ reachable: false, superseded: false });
    expect([...(settled?.lastKnown?.deviceKeys.keys() ?? [])]).toEqual(["B1"]);
    expect(saved(store, listKey(BOB))).toMatchObject({ list: { deviceKeys: new Map([["B1", testDevice(BOB, "B1")]]) } });
  }));

  it("adds no last list where there is none", marbles(({ scheduler }) => {
    const { run } = settling(scheduler);
    expect(run(answer({}, ["example.org"]), new Map([[BOB, bobs]])).get(BOB)).not.toHaveProperty("lastKnown");
  }));

  it("tells what of an answer was refused, and keeps the rest", marbles(({ scheduler }) => {
    const { run, problems } = settling(scheduler);
    const given = { ...answer({ [BOB]: ["B1"] }), master_keys: { [BOB]: "?" } as never };
    expect(run(given, new Map([[BOB, bobs]])).get(BOB)?.list.deviceKeys.size).toBe(1);
    expect(problems).toMatchObject([{ type: "answer-refused", userId: BOB, path: "master_keys" }]);
  }));

  it("writes nothing where there is nothing to save", marbles(({ scheduler }) => {
    const { run, log } = settling(scheduler);
    run(answer({}), new Map([[CAROL, undefined]]));
    expect(log.writes).toEqual([]);
  }));
});
