import { ListMemory } from "../../src/lists/list-memory.js";
import type { UserId } from "../../src/model/ids.js";
import type { Revision } from "../../src/store/revision.js";
import { initialUsers, type TrackedUser } from "../../src/store/tracked-users.js";
import { Tracking } from "../../src/sync/tracking.js";
import { ALICE } from "../support/users.js";

/** Alice's memory, with other tracked users. */
export interface MemoryInTest {
  readonly users: Map<UserId, TrackedUser>;
  readonly tracking: Tracking;
  readonly memory: ListMemory;
}

/** @param tracked users, outdated unless it says otherwise */
export function memoryOf(
  tracked: Readonly<Record<UserId, Partial<TrackedUser> & { readonly revision: Revision }>> = {},
  ourKey?: string,
): MemoryInTest {
  const { users } = initialUsers(ALICE);
  for (const [userId, user] of Object.entries(tracked)) users.set(userId, { outdated: true, hasList: true, ...user });
  const tracking = new Tracking(users);
  return {
    users,
    tracking,
    memory: new ListMemory(ALICE, tracking, { maxListsInMemory: 100, maxCacheBytes: Infinity }, ourKey),
  };
}
