import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { beforeAll, describe, expect, it } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceChanges, Freshness, UserDeviceKeys } from "../../src/model/results.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ALICE, BOB, CAROL, DAVE, recording } from "./recording.js";
import { Replay, type Moment, type Outcome, type Storage } from "./replay.js";

/** What one user's part of an answer must be. */
interface Expected {
  readonly devices: readonly string[];
  readonly master?: string;
  readonly selfSigning?: string;
  readonly freshness: Freshness;
}
/** What must come of one exchange. */
interface Step {
  readonly after: string;
  readonly tracked: readonly UserId[];
  readonly changes?: DeviceChanges;
  readonly asked?: readonly UserId[];
  readonly result?: Readonly<Record<UserId, Expected>>;
}

const BOBS_FIRST = {
  master: "EGuPaYafHD4OofunekcrPs8fytBCKM1IBj4Z9OH/FOY",
  selfSigning: "AM8WeV8470WxkKjriVnTUEcfcYLsorlYO0RY4DgYWcQ",
};
const BOBS_SECOND = {
  master: "ki1mhi11A/pdfRZxLbruOI6PcaQ4D/ra/B6JK5fjUkU",
  selfSigning: "c+06PiyitlE4L73TNtkmLrDDsg4fd5QUE0rxEpgiRWo",
};
const changed = (...users: readonly UserId[]): DeviceChanges => ({ changed: users, left: [] });

/** The recording, exchange by exchange. */
const STEPS: readonly Step[] = [
  // An initial sync announces nobody, Bob neither, who is in a room with us; of our own user nobody may be sure any more.
  { after: "bob joins", tracked: [ALICE] },
  { after: "keys/upload BOB2", tracked: [ALICE, BOB], changes: changed(BOB) },
  {
    after: "alice /sync: device_lists.changed has bob",
    tracked: [ALICE, BOB],
    asked: [BOB],
    result: { [BOB]: { devices: ["BOB1", "BOB2"], freshness: "current" } },
  },
  { after: "keys/query: BOB2 as uploaded", tracked: [ALICE, BOB] },
  { after: "cross-signing: first upload needs no UIA", tracked: [ALICE, BOB], changes: changed(BOB) },
  { after: "keys/signatures/upload: a bad signature lands in failures", tracked: [ALICE, BOB], changes: changed(BOB) },
  {
    after: "keys/signatures/upload: a bad signature lands in failures",
    tracked: [ALICE, BOB],
    asked: [BOB],
    result: { [BOB]: { devices: ["BOB1", "BOB2"], ...BOBS_FIRST, freshness: "current" } },
  },
  {
    after: "cross-signing: UIA with the password replaces (identity reset)",
    tracked: [ALICE, BOB],
    changes: changed(BOB),
  },
  { after: "BOB2 logs out", tracked: [ALICE, BOB], changes: changed(BOB) },
  {
    after: "BOB2 logs out",
    tracked: [ALICE, BOB],
    asked: [BOB],
    result: { [BOB]: { devices: ["BOB1"], ...BOBS_SECOND, freshness: "current" } },
  },
  { after: "carol@hs2 joins over federation", tracked: [ALICE, BOB, CAROL], changes: changed(CAROL) },
  {
    after: "alice /sync: changed has carol (new shared room)",
    tracked: [ALICE, BOB, CAROL],
    asked: [CAROL],
    result: { [CAROL]: { devices: ["CAROL1"], freshness: "current" } },
  },
  { after: "keys/query: carol over federation", tracked: [ALICE, BOB, CAROL], changes: changed(CAROL) },
  {
    after: "alice /sync: changed has carol (m.device_list_update EDU)",
    tracked: [ALICE, BOB, CAROL],
    asked: [CAROL, DAVE],
    result: {
      [CAROL]: { devices: ["CAROL1", "CAROL2"], freshness: "current" },
      [DAVE]: { devices: ["DAVE1"], freshness: "untracked" },
    },
  },
  // The answer names Dave's server in `failures`. Bob is cached: nobody asks for him.
  {
    after: "keys/query: carol 2 devices, dave (no shared room) too",
    tracked: [ALICE, BOB, CAROL],
    asked: [DAVE],
    result: {
      [DAVE]: { devices: [], freshness: "unreachable" },
      [BOB]: { devices: ["BOB1"], ...BOBS_SECOND, freshness: "current" },
    },
  },
  // Carol's server is down, and her list is cached.
  {
    after: "hs2 down, keys/query dave + bob: failures names hs2, bob is still there",
    tracked: [ALICE, BOB, CAROL],
    asked: [],
    result: { [CAROL]: { devices: ["CAROL1", "CAROL2"], freshness: "current" } },
  },
  // Dave's too, but our server answers from what it knows of him.
  {
    after: "hs2 down, keys/claim: failures names hs2",
    tracked: [ALICE, BOB, CAROL],
    asked: [DAVE],
    result: { [DAVE]: { devices: ["DAVE1"], freshness: "untracked" } },
  },
  { after: "bob leaves", tracked: [ALICE, CAROL], changes: { changed: [CAROL], left: [BOB] } },
];

function verify(index: number, { tracked, asked, result }: Outcome): void {
  const step = STEPS[index];
  const exchange = recording[index];
  if (step === undefined || exchange === undefined) expect.unreachable("an exchange too many");
  expect([...tracked].sort()).toEqual([...step.tracked].sort());
  expect(asked).toEqual(step.asked === undefined || step.asked.length === 0 ? [] : [step.asked]);
  expect([...(result?.keys() ?? [])]).toEqual(Object.keys(step.result ?? {}));
  for (const [user, expected] of Object.entries(step.result ?? {})) {
    const theirs = result?.get(user);
    if (theirs === undefined) expect.unreachable("nothing came of them");
    expect([...theirs.deviceKeys.keys()]).toEqual(expected.devices);
    expect([
      theirs.freshness,
      publicKey(theirs.masterKey),
      publicKey(theirs.selfSigningKey),
      theirs.userSigningKey,
    ]).toEqual([expected.freshness, expected.master, expected.selfSigning, undefined]);
    expect(theirs.rejected.size).toBe(0);
    const sent =
      exchange.type === "query" && theirs.freshness !== "unreachable" ? exchange.answer.device_keys[user] : {};
    expect(Object.fromEntries(theirs.deviceKeys), "verbatim, for signatures cover it").toEqual(sent);
  }
}

const publicKey = (key: UserDeviceKeys["masterKey"]): string | undefined => Object.values(key?.keys ?? {})[0];

const scripted = (takes: number) => (): Storage => {
  const records = memoryStore();
  return {
    open: (clock) => {
      const store = new ScriptedStore({ scheduler: clock, takes, records });
      return { store, crash: () => store.crash() };
    },
    turn: () => Promise.resolve(),
  };
};
let databases = 0;
const indexedDb = (): Storage => {
  const name = `devices/${++databases}`;
  return {
    open: () => ({ store: idbStore(name), crash: () => {} }),
    turn: () => new Promise((resolve) => setImmediate(resolve)),
  };
};

describe.each([
  ["a store that answers at once", scripted(0)],
  ["a store that takes its time", scripted(3)],
  ["IndexedDB", indexedDb],
])("what a Synapse answered, with %s", (_, storage) => {
  beforeAll(() => {
    globalThis.indexedDB = new IDBFactory();
    globalThis.IDBKeyRange = IDBKeyRange;
  });

  it("gives the lists that it sent, and asks for those that changed only", async () => {
    expect(STEPS.map(({ after }) => after)).toEqual(recording.map(({ after }) => after));
    const replay = new Replay(storage());
    for (const [index, exchange] of recording.entries()) {
      const outcome = await replay.play(exchange);
      verify(index, outcome);
      expect(outcome.changes).toEqual(
        index === 0 ? outcome.changes : STEPS[index]?.changes === undefined ? [] : [STEPS[index].changes],
      );
    }
    replay.close();
  });

  it.each<Moment>(["before", "as it begins", "as it is answered", "after"])(
    "gives the same to a page that is loaded again %s, at each exchange",
    async (moment) => {
      for (const reloaded of recording.keys()) {
        const replay = new Replay(storage());
        for (const [index, exchange] of recording.entries()) {
          const outcome = await replay.play(exchange, index === reloaded ? moment : undefined);
          verify(
            index,
            index === reloaded && moment === "as it is answered" && exchange.type === "query"
              ? { ...outcome, asked: whoeverWasAsked(index, outcome) }
              : outcome,
          );
        }
        replay.close();
      }
    },
  );

  it("tells of a server that failed, and of whom it answered for all the same", async () => {
    const replay = new Replay(storage());
    for (const exchange of recording.slice(0, 5)) await replay.play(exchange); // Bob is outdated
    const exchange = recording[14];
    if (exchange === undefined) expect.unreachable("the recording is another one");
    const { result, asked } = await replay.play(exchange);
    expect(asked).toEqual([[DAVE, BOB]]);
    expect(
      Array.from(result ?? [], ([user, { deviceKeys, freshness }]) => [user, [...deviceKeys.keys()], freshness]),
    ).toEqual([
      [DAVE, [], "unreachable"],
      [BOB, ["BOB1"], "current"],
    ]);
    replay.close();
  });
});

/** A page that went as it was answered may have saved the answer, and then nobody is asked for those whose list it was. */
function whoeverWasAsked(index: number, { asked }: Outcome): Outcome["asked"] {
  const step = STEPS[index];
  const saved = step?.asked?.filter((user) => step.result?.[user]?.freshness === "current") ?? [];
  const remaining = step?.asked?.filter((user) => !saved.includes(user)) ?? [];
  const again = remaining.length === 0 ? [] : [remaining];
  return JSON.stringify(asked) === JSON.stringify(again) && step?.asked !== undefined && step.asked.length > 0
    ? [step.asked]
    : asked;
}
