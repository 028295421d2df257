import type { RotateReason } from "../../src/rooms/plan-key-share.js";
import type { HistoryVisibility } from "../../src/rooms/wire.js";
import type { RoomScene, RotationSettings } from "./room-scene.js";

/** A session that both sides have, or had when a message was to be sent, and what has happened since it was made. */
export interface ComparedSession {
  readonly createdAt: number;
  readonly settings: RotationSettings;
  readonly visibility: HistoryVisibility;
  /** The curve25519 key that each device had when it was given the session, by user and device. */
  readonly curve25519: ReadonlyMap<string, string>;
  readonly masterKeys: ReadonlyMap<string, string>;
  /** Users who have left, and may have come back. */
  readonly departed: ReadonlySet<string>;
  readonly missed: boolean;
}

/** A disagreement of the two sides about one message. */
export type SharingDifference =
  /** Only one side sends it at all. */
  | { readonly what: "failed"; readonly ours: boolean; readonly theirs: boolean }
  /** Only one side replaces the session, for each of our reasons. */
  | { readonly what: "rotated"; readonly ours: RotateReason | undefined; readonly theirs: boolean }
  /** Only one side gives the device the session. */
  | {
      readonly what: "key";
      readonly userId: string;
      readonly deviceId: string;
      readonly ours: boolean;
      readonly theirs: boolean;
    }
  /** The device is not sent the same `m.room_key.withheld`. */
  | {
      readonly what: "withheld";
      readonly userId: string;
      readonly deviceId: string;
      readonly ours: string | undefined;
      readonly theirs: string | undefined;
    };

/** The context that explains a difference. */
export interface SharingCase {
  readonly scene: RoomScene;
  /** The session before the message. */
  readonly session: ComparedSession | undefined;
  /** In ms since the epoch. */
  readonly now: number;
}
