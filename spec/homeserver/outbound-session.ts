import {
  planKeyShare,
  type RoomRecipients,
  type RoomStand,
  type RotateReason,
  type SharedDevice,
} from "matrix-device-tracker/rooms";
import { nameOf } from "./name-of.js";

/** What was done for a message. */
export interface Sent {
  /** Why the session was replaced first; empty if it was not. */
  readonly rotated: readonly string[];
  /** The users whose devices were given the session for this message, one entry for each device. */
  readonly given: readonly string[];
}

/** The outbound group session of a room, as an application keeps it. */
export class OutboundSession {
  #sharedWith: SharedDevice[];
  #stand: RoomStand;
  #createdAt: number;

  /** Its first message. */
  constructor(now: RoomRecipients) {
    this.#stand = now.stand;
    this.#createdAt = now.at;
    this.#sharedWith = [...now.devices];
  }

  /** Sends one more message to these recipients. */
  send(now: RoomRecipients): Sent {
    // A session is saved between two messages, and so is the stand.
    const stand = JSON.parse(JSON.stringify(this.#stand)) as RoomStand;
    const session = { createdAt: this.#createdAt, messageCount: 1, sharedWith: this.#sharedWith, stand };
    const { share, rotate } = planKeyShare(session, now);
    if (rotate.length > 0) {
      this.#sharedWith = [];
      this.#createdAt = now.at;
    }
    this.#sharedWith.push(...share);
    this.#stand = now.stand;
    return { rotated: rotate.map(inShort).toSorted(), given: share.map(({ userId }) => nameOf(userId)).toSorted() };
  }
}

/** Such as `user-left bob`. */
function inShort(reason: RotateReason): string {
  switch (reason.type) {
    case "visibility-changed":
      return `${reason.type} ${reason.from} ${reason.to}`;
    case "device-left-out":
      return `${reason.type} ${nameOf(reason.userId)} ${reason.reason}`;
    default:
      return "userId" in reason ? `${reason.type} ${nameOf(reason.userId)}` : reason.type;
  }
}
