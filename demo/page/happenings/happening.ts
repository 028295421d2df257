import type { DeviceId, DeviceKeysByUser, DeviceUpdate, UserId } from "matrix-device-tracker";
import type { TabState, TakeOver } from "./tab-state.js";

/**
 * What can be seen from outside of what goes on inside: everything here comes from wrapping the tracker's ports and subscribing to
 * what it offers, as any application can.
 */
export type TrackerEvent =
  /** A sync response came, from the server or from the tab that syncs, before the tracker saw it. */
  | {
      readonly type: "synced";
      readonly heard: boolean;
      readonly initial: boolean;
      readonly changed: readonly UserId[];
      readonly left: readonly UserId[];
    }
  /** The tracker announced changes: its lookups reflect them from here on. */
  | { readonly type: "announced"; readonly changed: readonly UserId[]; readonly left: readonly UserId[] }
  /** Whom the server tells us about. */
  | { readonly type: "tracked"; readonly users: ReadonlySet<UserId> }
  /** A `/keys/query` went out, and how it ended. */
  | { readonly type: "query-sent"; readonly query: number; readonly users: readonly UserId[] }
  | { readonly type: "query-answered"; readonly query: number }
  | { readonly type: "query-aborted"; readonly query: number }
  | { readonly type: "query-failed"; readonly query: number; readonly message: string }
  /** Somebody subscribed to `getDeviceKeys`, and how that ended. */
  | { readonly type: "asked"; readonly call: number; readonly users: readonly UserId[]; readonly forced: boolean }
  | { readonly type: "told"; readonly call: number; readonly result: DeviceKeysByUser }
  | { readonly type: "gave-up"; readonly call: number }
  | { readonly type: "call-failed"; readonly call: number; readonly message: string }
  /** What was saved from before, or what a watcher emitted: lists without a call of ours. */
  | { readonly type: "known"; readonly result: DeviceKeysByUser }
  /** What an answer changed in a list: told in the tab whose query it was, and passed on to the others. */
  | {
      readonly type: "updated";
      readonly heard: boolean;
      readonly update: DeviceUpdate;
      readonly names: ReadonlyMap<DeviceId, string>;
    }
  /** Which devices claim one curve25519 key between them. */
  | { readonly type: "claimed"; readonly contested: readonly (readonly Claimant[])[] }
  /** A person acknowledged a changed identity, in this tab or another. */
  | { readonly type: "acknowledged"; readonly userId: UserId; readonly heard: boolean }
  /** Another tab syncs than before, or there are more or fewer of them. */
  | ({ readonly type: "tabs" } & TabState)
  /** A tab that synced is gone, and one has taken over from it. */
  | { readonly type: "took-over"; readonly by: "this tab" | "another tab"; readonly takeOver: TakeOver }
  /** Nothing happened for so many ms, and the diagram's time stood still. */
  | { readonly type: "rested"; readonly skipped: number };

/** A device that says a key is its own, and what it is called. */
export interface Claimant {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly name: string;
}

/** An event and when it happened, in ms of the diagram's time. */
export type Happening = TrackerEvent & { readonly at: number };

/** Takes note of an event, now. */
export type Note = (event: TrackerEvent) => void;
