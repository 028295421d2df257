import { describe, expect, it } from "vitest";
import { WatchedLists } from "../../src/lookup/watched-lists.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import type { Answer } from "../../src/query/answer.js";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { memoryOf } from "../lists/memory-of.js";
import { bob, phone, tablet, verified } from "../lists/verified-lists.js";
import { summary } from "../support/summary.js";
import { BOB, CAROL } from "../support/users.js";

const revision = { number: 1 };
const [one, two] = [verified(bob, [phone]), verified(bob, [phone, tablet])];

/** A view of Bob's list, and of Carol's if wanted. Both are tracked. */
function viewing(...wanted: readonly UserId[]) {
  const inMemory = memoryOf({ [BOB]: { revision }, [CAROL]: { revision } });
  const lists = new WatchedLists(wanted.length === 0 ? [BOB] : wanted, inMemory.tracking, inMemory.memory);
  const take = (list: DeviceList, changes: Partial<Answer> = {}) =>
    lists.take([{ userId: BOB, list, revision, superseded: false, reachable: true, ...changes }]);
  const show = (): readonly string[] => summary(lists.view());
  return { ...inMemory, lists, take, show };
}

describe("the view of a watcher", () => {
  it("is complete once every user has an answer, and lists them in order", () => {
    const { lists, take, show } = viewing(CAROL, BOB);
    take(one);
    expect(lists.isComplete).toBe(false);
    take(emptyList(0), { userId: CAROL });
    expect(lists.isComplete).toBe(true);
    expect(show()).toEqual(["carol - current", "bob PHONE current"]);
  });

  it("shows users as they are now, not as they were when their answer came", () => {
    const { take, show, users } = viewing();
    take(one);
    expect(show()).toEqual(["bob PHONE current"]);
    users.set(BOB, { revision: { number: 2 }, outdated: true, hasList: true });
    expect(show()).toEqual(["bob PHONE superseded"]);
  });

  it("shows a user who left as untracked, not superseded for ever", () => {
    const { take, show, users } = viewing();
    take(one);
    users.delete(BOB);
    expect(show()).toEqual(["bob PHONE untracked"]);
  });

  it("shows nothing as current while steps may be missing", () => {
    const { take, show, tracking } = viewing();
    take(one);
    tracking.setDoubt(true);
    expect(show()).toEqual(["bob PHONE superseded"]);
  });
});

describe("taking an answer", () => {
  it("alters the view if its list or its freshness differs from what is shown", () => {
    const { take, show } = viewing();
    expect(take(one).altered).toBe(true);
    show();
    expect(take({ ...one }).altered).toBe(false);
    expect(take(two).altered).toBe(true);
    show();
    expect(take({ ...two }, { superseded: true }).altered).toBe(false); // it does not replace a current one
  });

  it("says whether the list is another one than before", () => {
    const { take } = viewing();
    expect(take(one)).toMatchObject({ changed: [], unchanged: [] });
    expect(take({ ...one })).toMatchObject({ changed: [], unchanged: [BOB] });
    expect(take(two)).toMatchObject({ changed: [BOB], unchanged: [] });
  });

  it("does not count one list twice: it may come from the cache and from a lookup", () => {
    const { take } = viewing();
    take(one);
    expect(take(one)).toMatchObject({ changed: [], unchanged: [] });
  });

  it("keeps a current list if an older answer comes after it", () => {
    const { take, show } = viewing();
    take(two);
    take(one, { revision: { number: 0 } });
    expect(show()).toEqual(["bob PHONE,TABLET current"]);
  });

  it("keeps a newer list while steps may be missing, too", () => {
    const { take, show, tracking } = viewing();
    tracking.setDoubt(true);
    take(two);
    take(one, { revision: { number: 0 } });
    expect(show()).toEqual(["bob PHONE,TABLET superseded"]);
  });

  it("replaces a list that is not current by any later answer", () => {
    const { take, show } = viewing();
    take(one, { superseded: true });
    take(two, { superseded: true });
    expect(show()).toEqual(["bob PHONE,TABLET superseded"]);
  });
});

describe("a failed query", () => {
  it("leaves the list as it was, unreachable", () => {
    const { lists, take, show, users } = viewing();
    take(one);
    users.set(BOB, { revision: { number: 2 }, outdated: true, hasList: true });
    expect(lists.fail([BOB], 0, new Map()).altered).toBe(true);
    expect(show()).toEqual(["bob PHONE unreachable (last known PHONE)"]);
  });

  it("shows the last known list of a user who has none in the view", () => {
    const { lists, show } = viewing();
    lists.fail([BOB], 0, new Map([[BOB, { list: one }]]));
    expect(show()).toEqual(["bob - unreachable (last known PHONE)"]);
  });

  it("does not replace a list that is current", () => {
    const { lists, take, show } = viewing();
    take(one);
    lists.fail([BOB], 0, new Map());
    expect(show()).toEqual(["bob PHONE current"]);
  });
});

describe("what is shown and is not so any more", () => {
  it("is the freshness of a user who changed", () => {
    const { lists, take, show, users } = viewing();
    expect(lists.isStale()).toBe(false);
    take(one);
    show();
    expect(lists.isStale()).toBe(false);
    users.set(BOB, { revision: { number: 2 }, outdated: true, hasList: true });
    expect(lists.isStale([BOB])).toBe(true);
    expect(lists.isStale([CAROL])).toBe(false);
  });

  it("is whether an identity is verified, if our own key is another one", () => {
    const { lists, take, memory } = viewing();
    const identity = { masterKey: "m", pinnedMasterKey: "m", signedBy: ["ours"] };
    take({ ...one, identity });
    const shown: DeviceKeysByUser = lists.view();
    expect(shown.get(BOB)?.identity.verified).toBe(false);
    memory.setOurKey("ours");
    expect(lists.isStale()).toBe(true);
    expect(lists.view().get(BOB)?.identity.verified).toBe(true);
  });
});
