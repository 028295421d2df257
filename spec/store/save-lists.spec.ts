import { describe, expect, it } from "vitest";
import { emptyList } from "../../src/keys/device-list.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { EPOCH, listKey, stateKey } from "../../src/store/records.js";
import { Revision } from "../../src/store/revision.js";
import { saveKeys, saveLists } from "../../src/store/save-lists.js";
import { SavedRecords } from "../../src/store/saved-records.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const list = emptyList(5);

/** Saves lists that answer these revisions over these records. */
function save(saved: readonly (readonly [RecordKey, unknown])[], asked: Readonly<Record<string, Revision>>) {
  const lists = new Map(Object.entries(asked).map(([user, revision]) => [user, { list, revision }]));
  const keys = saveKeys(lists);
  const find = ([kind, id]: RecordKey) => saved.find(([[savedKind, savedId]]) => savedKind === kind && savedId === id)?.[1];
  const records = new SavedRecords([...keys], keys.map(find));
  const refused = new Map(Array.from(saveLists(records, lists, ALICE)).flatMap(([user, outcome]) => (outcome.refused === undefined ? [] : [[user, outcome.refused.saved] as const])));
  return { refused, puts: records.update(undefined).puts };
}

describe("saveLists", () => {
  it("saves where the store has exactly the revision that was known when the query was sent", () => {
    const { refused, puts } = save([[stateKey(BOB), { revision: 4, listed: 2 }]], { [BOB]: new Revision(4) });
    expect(refused).toEqual(new Map());
    expect(puts).toEqual([
      [stateKey(BOB), { revision: 4, listed: 4 }],
      [listKey(BOB), { revision: 4, list }],
    ]);
  });

  it.each([
    ["a greater one: another tab has applied a change", 5],
    ["a smaller one", 3],
  ])("refuses where the store has %s", (_, revision) => {
    const { refused, puts } = save([[stateKey(BOB), { revision, listed: revision }]], { [BOB]: new Revision(4) });
    expect(refused).toEqual(new Map([[BOB, { revision, outdated: false }]]));
    expect(puts).toEqual([]);
  });

  it("refuses where the user is not tracked any more", () => {
    expect(save([], { [BOB]: new Revision(4) })).toEqual({ refused: new Map([[BOB, undefined]]), puts: [] });
  });

  it("refuses where the step of the revision has not been committed", () => {
    expect(save([[stateKey(BOB), { revision: 4 }]], { [BOB]: new Revision() }).puts).toEqual([]);
  });

  it("refuses where everyone has become outdated since", () => {
    const { refused, puts } = save([[stateKey(BOB), { revision: 4 }], [EPOCH, 6]], { [BOB]: new Revision(4) });
    expect(refused).toEqual(new Map([[BOB, { revision: 6, outdated: true }]]));
    expect(puts).toEqual([]);
  });

  it("saves what was asked since everyone became outdated, as answering that epoch", () => {
    const { puts } = save([[stateKey(BOB), { revision: 4, listed: 4 }], [EPOCH, 6]], { [BOB]: new Revision(6) });
    expect(puts).toEqual([
      [stateKey(BOB), { revision: 4, listed: 6 }],
      [listKey(BOB), { revision: 6, list }],
    ]);
  });

  it("refuses for one user and saves for another", () => {
    const { refused, puts } = save([[stateKey(BOB), { revision: 5 }], [stateKey(CAROL), { revision: 4 }]], { [BOB]: new Revision(4), [CAROL]: new Revision(4) });
    expect([...refused.keys()]).toEqual([BOB]);
    expect(puts.map(([[, id]]) => id)).toEqual([CAROL, CAROL]);
  });

  it("saves for our own user before any record says that they are tracked", () => {
    expect(save([], { [ALICE]: new Revision(0) }).puts).toEqual([
      [stateKey(ALICE), { revision: 0, listed: 0 }],
      [listKey(ALICE), { revision: 0, list }],
    ]);
  });

  it("saves nothing while the epoch is damaged", () => {
    expect(save([[stateKey(BOB), { revision: 4 }], [EPOCH, "?"]], { [BOB]: new Revision(4) }).puts).toEqual([]);
  });

  it("saves nothing over a damaged state", () => {
    expect(save([[stateKey(BOB), "?"]], { [BOB]: new Revision(4) }).puts).toEqual([]);
  });
});
