import type { UserId } from "../model/ids.js";
import type { News } from "./announcement.js";
import type { Change, Commit } from "./change.js";
import type { SavedAccount } from "./load.js";
import type { Before } from "./tracked-users.js";

/** What a chain reports, each time after memory reflects it. */
export interface ChainEvents {
  /** Commits of other trackers were applied. `isSummary`: several at once, because some were not announced. */
  readonly followed: (before: Before, commits: readonly Commit[], isSummary: boolean) => void;
  /** Users are in doubt: another tracker has changes of them that it cannot commit. */
  readonly moved: (before: Before) => void;
  /** News of other trackers that do not concern the chain. */
  readonly heard: (news: News) => void;
  /** The whole state was read again; the commits in between are not known individually. */
  readonly reread: (account: SavedAccount) => void;
  /** The pending `track()` of these users is not applied again: it is unknown whether they left. */
  readonly tracksLost: (users: readonly UserId[]) => void;
  /** A change of ours is in the chain, committed here or by another tracker. */
  readonly committed: (change: Change) => void;
  readonly commitFailed: (error: unknown, retryIn: number) => void;
  /** The state is being read again (`true`), or has been read. In between, nothing in memory may be called current. */
  readonly behind: (isBehind: boolean) => void;
  /** The state could not be read again. Memory goes on, in doubt, and the read is retried later. */
  readonly unreadable: (error: unknown) => void;
  /** The store was cleared: nothing more is written or read. */
  readonly cleared: () => void;
  /** Runs an action as a unit: what it causes is emitted only after it. */
  readonly together: (action: () => void) => void;
}
