import type { DeviceId, DeviceKeysByUser, DeviceUpdate, KeyEvent, UserId } from "matrix-device-tracker";
import type { Decision } from "./decision.js";
import type { TabState, TakeOver } from "./tab-state.js";

/**
 * What can be observed of a tracker from outside: everything here comes from wrapping its ports and subscribing to its
 * streams, as any application can.
 */
export type TrackerEvent =
  /** A sync response was applied: one of this tab's stream, or a step that another tab committed (`elsewhere`). */
  | {
      readonly type: "synced";
      readonly elsewhere: boolean;
      readonly initial: boolean;
      readonly changed: readonly UserId[];
      readonly left: readonly UserId[];
    }
  /** The tracker announced changes: its lookups reflect them from here on. */
  | { readonly type: "announced"; readonly changed: readonly UserId[]; readonly left: readonly UserId[] }
  /** The set of tracked users changed. */
  | { readonly type: "tracked"; readonly users: ReadonlySet<UserId> }
  /** A `/keys/query` was sent, and how it ended. */
  | { readonly type: "query-sent"; readonly query: number; readonly users: readonly UserId[] }
  | { readonly type: "query-answered"; readonly query: number; readonly unreachable: readonly UserId[] }
  | { readonly type: "query-aborted"; readonly query: number }
  | { readonly type: "query-failed"; readonly query: number; readonly message: string }
  /** `getDeviceKeys` was subscribed to, and how that ended. */
  | {
      readonly type: "call-started";
      readonly call: number;
      readonly users: readonly UserId[];
      readonly forced: boolean;
    }
  | { readonly type: "call-answered"; readonly call: number; readonly result: DeviceKeysByUser }
  | { readonly type: "call-unsubscribed"; readonly call: number }
  | { readonly type: "call-failed"; readonly call: number; readonly message: string }
  /** Lists without a call of ours: those that are saved, or what a watcher emitted. */
  | { readonly type: "known"; readonly result: DeviceKeysByUser }
  /** What a saved answer changed in a list, whichever tab queried, with the display names of the devices. */
  | { readonly type: "updated"; readonly update: DeviceUpdate; readonly names: ReadonlyMap<DeviceId, string> }
  /** The devices that claim the same curve25519 key. */
  | { readonly type: "claimed"; readonly contested: readonly (readonly Claimant[])[] }
  /** What became of a user's keys, from the beginning. */
  | { readonly type: "history"; readonly userId: UserId; readonly history: readonly KeyEvent[] }
  /** A person decided about an identity, in this tab or another (`elsewhere`). */
  | { readonly type: "decided"; readonly decision: Decision; readonly userId: UserId; readonly elsewhere: boolean }
  /** The embedded homeserver was reset, by a button in this tab or another (`elsewhere`). */
  | { readonly type: "started-over"; readonly elsewhere: boolean }
  /** Another tab syncs now, or the number of tabs changed. */
  | ({ readonly type: "tabs" } & TabState)
  /** The syncing tab is gone, and another one has taken over. */
  | { readonly type: "took-over"; readonly by: "this tab" | "another tab"; readonly takeOver: TakeOver }
  /** Nothing happened for `skipped` ms, and the diagram's time stood still. */
  | { readonly type: "rested"; readonly skipped: number };

/** A device that claims a key, and its display name. */
export interface Claimant {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly name: string;
}

/** An event and its time, in ms of the diagram's time. */
export type TimedEvent = TrackerEvent & { readonly at: number };

/** Records an event that happens now. */
export type Note = (event: TrackerEvent) => void;
