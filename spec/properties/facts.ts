import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import type { SyncResponse } from "../../src/model/wire.js";
import type { Hop } from "./hops.js";
import type { Ledger } from "./ledger.js";

/** One `/keys/query`. All times are moments of the world. */
export interface Query {
  readonly id: number;
  readonly users: readonly UserId[];
  readonly sentAt: number;
  answeredAt?: number;
}

/** A call of `track()`, `untrack()` or `invalidate()`. */
export interface Call {
  readonly type: "track" | "untrack" | "invalidate";
  readonly users: readonly UserId[];
  /** Those of them for whom it changes something, as far as the tab knew. */
  readonly affected: readonly UserId[];
  readonly calledAt: number;
  /** The saved position at that moment. */
  readonly position: number;
  completedAt?: number;
  /** With an error: the tracker was closed, and may still save it. */
  hasFailed?: true;
}

export interface Lookup {
  readonly users: readonly UserId[];
  /** Those of them who were known not to be tracked at the time of the call. */
  readonly untracked: readonly UserId[];
  readonly force: boolean;
  readonly calledAt: number;
  /** What `applied$` had emitted by then. */
  readonly appliedTo: number;
}

export interface Watcher {
  readonly users: readonly UserId[];
  shown: DeviceKeysByUser | undefined;
}

/** What is known of one tracker from outside. */
export class Facts {
  readonly name: string;
  readonly ledger: Ledger;
  /** The saved position when the tracker had loaded the saved state, or taken it over; that of the initial sync if there was none. */
  loadedFrom: number | undefined;
  /** How far the saved state went for users of a long step that was saved in part at that moment. */
  loadedParts: ReadonlyMap<UserId, number> = new Map();
  /** The newest position that the tracker has been given: by the saved token, a response, or a step of another tab. */
  upTo: number | undefined;
  /** The newest position that `applied$` has emitted. */
  appliedTo = 0;
  readonly hops: Hop[] = [];
  readonly queries: Query[] = [];
  readonly inFlight = new Set<Query>();
  readonly lookups = new Set<Lookup>();
  readonly watchers = new Set<Watcher>();
  readonly pendingCalls = new Set<Call>();
  /** Notes whose commit has not completed. */
  readonly pendingNotes = new Set<number>();
  /** Notes whose commit has completed. */
  readonly notes = new Set<number>();
  /** Whether memory stands in for the store: calls complete that are not durable. `adopting`: it commits what memory has. */
  standsIn: "no" | "yes" | "adopting" = "no";
  /** Calls that completed while memory stood in for the store. */
  memoryCalls: Call[] = [];
  /** Whether `problems$` has reported that responses were missed, whatever became of it. */
  hasMissed = false;
  /** When `problems$` reported last that it cannot be learned who left. */
  lostAt = -1;
  /** How often a lookup asked for the user. */
  readonly asked = new Map<UserId, number>();
  /** Users who were ever watched. */
  readonly watched = new Set<UserId>();
  readonly invalidatedAt = new Map<UserId, number>();
  /** When `deviceChanges$` mentioned the user last. */
  readonly mentionedAt = new Map<UserId, number>();
  /** What its own stream emitted, and what `applied$` and `synced$` did. */
  readonly given: SyncResponse[] = [];
  readonly applied: SyncResponse[] = [];
  readonly synced: SyncResponse[] = [];
  tracked: ReadonlySet<UserId> = new Set();
  isCaughtUp = false;
  /** Whether the tracker is there, or its last writes are still to take effect. */
  state: "open" | "closed" | "writing" | "gone" = "open";

  constructor(name: string, upTo: number | undefined, ledger: Ledger) {
    this.name = name;
    this.ledger = ledger;
    this.upTo = upTo;
  }
}
