import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { beforeAll, describe, expect, it } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import type { UserId } from "../../src/model/ids.js";
import type { UserDeviceKeys } from "../../src/model/results.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { BOB, DAVE, recording } from "./recording.js";
import { Replay, type Moment, type Outcome, type Storage } from "./replay.js";
import { STEPS } from "./steps.js";

/** @param mayBeSaved whether a page that is gone may have saved the answer: then its users who are cached are not queried again */
function verify(index: number, { tracked, asked, changes, result }: Outcome, { mayBeSaved = false } = {}): void {
  const step = STEPS[index];
  const exchange = recording[index];
  if (step === undefined || exchange === undefined) expect.unreachable("the recording has another length");
  const { asked: users = [], result: results = {} } = step;
  expect([...tracked].sort()).toEqual([...step.tracked].sort());
  const uncached = users.filter((userId) => results[userId]?.freshness !== "current");
  expect(mayBeSaved ? [requests(users), requests(uncached)] : [requests(users)]).toContainEqual(asked);
  expect(changes).toEqual(step.changes === undefined ? [] : [step.changes]);
  expect([...(result?.keys() ?? [])]).toEqual(Object.keys(results));
  for (const [userId, expected] of Object.entries(results)) {
    const actual = result?.get(userId);
    if (actual === undefined) expect.unreachable("a user is missing");
    expect(inShort(actual)).toEqual({ master: undefined, selfSigning: undefined, ...expected });
    expect([actual.userSigningKey, actual.rejected.size]).toEqual([undefined, 0]);
    const sent =
      exchange.type === "query" && actual.freshness !== "unreachable" ? exchange.answer.device_keys[userId] : {};
    expect(Object.fromEntries(actual.deviceKeys), "verbatim, since signatures cover it").toEqual(sent);
  }
}

/** The requests for these users: one, or none. */
const requests = (users: readonly UserId[]): readonly (readonly UserId[])[] => (users.length === 0 ? [] : [users]);

const inShort = ({ deviceKeys, masterKey, selfSigningKey, freshness }: UserDeviceKeys) => ({
  devices: [...deviceKeys.keys()],
  master: publicKey(masterKey),
  selfSigning: publicKey(selfSigningKey),
  freshness,
});

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
  ["a slow store", scripted(3)],
  ["IndexedDB", indexedDb],
])("a recording of Synapse, with %s", (_, storage) => {
  beforeAll(() => {
    globalThis.indexedDB = new IDBFactory();
    globalThis.IDBKeyRange = IDBKeyRange;
  });

  it("is what the steps were written for", () => {
    expect(STEPS.map(({ after }) => after)).toEqual(recording.map(({ after }) => after));
  });

  it("has each list returned as it was sent, and only changed users queried", async () => {
    const replay = new Replay(storage());
    for (const [index, exchange] of recording.entries()) verify(index, await replay.play(exchange));
    replay.close();
  });

  it.each<Moment>(["before", "as it begins", "as it is answered", "after"])(
    "has the same outcome if the page is reloaded %s, for each exchange",
    async (moment) => {
      for (const reloaded of recording.keys()) {
        const replay = new Replay(storage());
        for (const [index, exchange] of recording.entries()) {
          const reload = index === reloaded ? moment : undefined;
          const outcome = await replay.play(exchange, reload);
          verify(index, outcome, { mayBeSaved: reload === "as it is answered" });
        }
        replay.close();
      }
    },
  );

  it("has the users of a failed server unreachable, and others of the response current", async () => {
    const replay = new Replay(storage());
    for (const exchange of recording.slice(0, 5)) await replay.play(exchange); // Bob is outdated
    const exchange = recording[14];
    if (exchange === undefined) expect.unreachable("the recording has another length");
    const { result, asked } = await replay.play(exchange);
    expect(asked).toEqual([[DAVE, BOB]]);
    expect(
      Array.from(result ?? [], ([userId, { deviceKeys, freshness }]) => [userId, [...deviceKeys.keys()], freshness]),
    ).toEqual([
      [DAVE, [], "unreachable"],
      [BOB, ["BOB1"], "current"],
    ]);
    replay.close();
  });
});
