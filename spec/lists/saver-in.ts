import { map, type Observable } from "rxjs";
import { ListSaver } from "../../src/lists/list-saver.js";
import { ListMemory } from "../../src/lists/list-memory.js";
import { OwnIdentityWatch } from "../../src/lists/own-identity-watch.js";
import type { ListToSave } from "../../src/lists/save-lists.js";
import { UnsavedPins } from "../../src/lists/unsaved-pins.js";
import { PendingEdits } from "../../src/lists/pending-edits.js";
import type { UserId } from "../../src/model/ids.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { Tracking } from "../../src/sync/tracking.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import { chainIn, type ChainUnderTest } from "../store/chain-in.js";
import { storeOfAlice } from "../store/in-store.js";
import { track } from "../store/steps.js";
import type { Marbles } from "../support/marbles.js";
import { updateLine } from "../support/shields.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

export interface SaverUnderTest extends ChainUnderTest {
  readonly memory: ListMemory;
  readonly tracking: Tracking;
  readonly unsaved: UnsavedPins;
  readonly pendingEdits: PendingEdits;
  readonly saver: ListSaver;
  readonly problems: readonly TrackerProblem[];
  /** The updates that were emitted, in a line each. */
  readonly updates: readonly string[];
  /** Saves lists that answer the users' revisions now, and emits them in summary, such as `bob PHONE` or `bob PHONE refused`. */
  readonly saveLists: (
    lists: Readonly<Record<UserId, DeviceList>>,
    changes?: Partial<ListToSave>,
  ) => Observable<readonly string[]>;
}

/** Saves lists in Alice's store, in which Bob and Carol are tracked. */
export function saverIn(
  m: Marbles,
  records: DeviceStore = storeOfAlice(),
  name?: string,
  ownMasterKey?: string,
): SaverUnderTest {
  const chain = chainIn(m, records, name);
  if (chain.chain.clone.users.size === 1) chain.apply(track(BOB, CAROL));
  const tracking = new Tracking(chain.chain.clone.users);
  const memory = new ListMemory(ALICE, tracking, { maxListsInMemory: 100, maxCacheBytes: Infinity }, undefined);
  const problems: TrackerProblem[] = [];
  const updates: string[] = [];
  const report = (problem: TrackerProblem) => problems.push(problem);
  const own = { ownUserId: ALICE, ownMasterKey };
  const pendingEdits = new PendingEdits();
  const unsaved = new UnsavedPins(own, memory, pendingEdits, chain.store, chain.scheduler, (owner) =>
    chain.chain.isOurs(owner),
  );
  const saver = new ListSaver({
    own,
    chain: chain.chain,
    tracking,
    memory,
    unsaved,
    ownIdentity: new OwnIdentityWatch(report),
    updated: (update) => updates.push(updateLine(update)),
    report,
    count: () => {},
  });
  const saveLists: SaverUnderTest["saveLists"] = (lists, changes = {}) => {
    const toSave = Object.entries(lists).map(([userId, list]): [UserId, ListToSave] => [
      userId,
      { list, revision: tracking.get(userId)?.revision, forced: false, refusesUnsigned: false, ...changes },
    ]);
    return saver
      .save(new Map(toSave))
      .pipe(
        map((decided) =>
          Array.from(decided, ([userId, { list, refused }]) =>
            [localpart(userId), [...list.deviceKeys.keys()].join(",") || "-", refused && "refused"]
              .filter((word) => word !== false)
              .join(" "),
          ),
        ),
      );
  };
  return { ...chain, memory, tracking, unsaved, pendingEdits, saver, problems, updates, saveLists };
}
