import type { Freshness, UserId } from "matrix-device-tracker";
import type { Standing } from "../events/standing.js";
import type { SyncRole } from "../events/tab-state.js";

/**
 * Everything that the diagram shows, in ms of its own time. Pure data: `reduce-timeline.ts` makes it, `draw.ts` draws
 * it.
 */
export interface Timeline {
  readonly users: readonly UserId[];
  readonly own: UserId;
  /** The beginning of the diagram: older things have been dropped. */
  readonly origin: number;
  readonly steps: readonly Step[];
  readonly calls: readonly Call[];
  readonly bars: readonly Bar[];
  readonly hits: readonly Hit[];
  readonly stretches: readonly Stretch[];
  readonly rests: readonly Rest[];
  readonly shifts: readonly Shift[];
}

/** A sync response. */
export interface Step {
  readonly at: number;
  readonly initial: boolean;
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

/** A subscription of `getDeviceKeys`. */
export interface Call {
  readonly call: number;
  readonly users: readonly UserId[];
  readonly forced: boolean;
  readonly row: number;
  readonly from: number;
  readonly to?: number;
  readonly end?: "answered" | "unsubscribed" | "failed";
}

/** One user's part in a `/keys/query`. */
export interface Bar {
  readonly query: number;
  readonly userId: UserId;
  readonly row: number;
  readonly from: number;
  readonly to?: number;
  readonly end?: "answered" | "aborted" | "failed";
  /** When a change arrived that may be missing from the answer. */
  readonly supersededAt?: number;
  /** The freshness that the tracker gave the answer. */
  readonly verdict?: Freshness;
  readonly devices?: number;
}

/** A user answered without a request. */
export interface Hit {
  readonly at: number;
  readonly userId: UserId;
  readonly devices: number;
}

/** The standing of a user from one moment until their next stretch. */
export interface Stretch {
  readonly userId: UserId;
  readonly from: number;
  readonly standing: Standing;
}

/** Which tab syncs from one moment until the next shift. */
export interface Shift {
  readonly from: number;
  readonly role: SyncRole;
}

/** A moment at which the diagram's time stood still. */
export interface Rest {
  readonly at: number;
  readonly skipped: number;
}

/** Which tab syncs now; `undefined` until it is known. */
export function syncRoleOf({ shifts }: Timeline): SyncRole | undefined {
  return shifts.at(-1)?.role;
}

export function standingOf({ stretches }: Timeline, userId: UserId): Standing {
  return stretches.findLast((stretch) => stretch.userId === userId)?.standing ?? "unknown";
}
