import { DeviceTrackerError } from "../model/errors.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { RoomId } from "./wire.js";

/**
 * - `not-encrypted`: we are in the room, and it has no encryption
 * - `not-joined`: we are not in the room, or it does not exist
 * - `members-unknown`: the members could not be fetched
 * - `devices-unknown`: the devices of some members could not be queried
 */
export type RoomErrorReason = "not-encrypted" | "not-joined" | "members-unknown" | "devices-unknown";

/** The devices to encrypt for in a room are unknown. The next call tries again. */
export class RoomError extends DeviceTrackerError {
  override readonly name = "RoomError";
  constructor(
    readonly roomId: RoomId,
    readonly reason: RoomErrorReason,
    options?: ErrorOptions,
  ) {
    super(`the recipients of ${roomId} are not known: ${EXPLANATIONS[reason]}`, options);
  }
}

const EXPLANATIONS: Readonly<Record<RoomErrorReason, string>> = {
  "not-encrypted": "the room is not encrypted",
  "not-joined": "we are not in this room",
  "members-unknown": "its members could not be fetched",
  "devices-unknown": "the devices of its members could not be queried",
};

/** What forbids a send under a strict policy (MSC4153). */
export type SendObstacle =
  /** We have no cross-signing identity: set one up. */
  | { readonly type: "own-identity-missing" }
  /** Our identity has not signed the sending device. */
  | { readonly type: "own-device-not-cross-signed"; readonly deviceId: DeviceId }
  /** This user is no longer verified: warn, and verify them again or withdraw the verification. */
  | { readonly type: "verification-violated"; readonly userId: UserId };

/** The strict policy forbids sending a message. */
export class SendForbiddenError extends DeviceTrackerError {
  override readonly name = "SendForbiddenError";
  constructor(
    readonly roomId: RoomId,
    readonly obstacles: readonly SendObstacle[],
  ) {
    super(`nothing must be sent to ${roomId} under this policy: ${obstacles.map(explained).join("; ")}`);
  }
}

function explained(obstacle: SendObstacle): string {
  switch (obstacle.type) {
    case "own-identity-missing":
      return "our own cross-signing identity is missing";
    case "own-device-not-cross-signed":
      return `our own identity has not signed our device ${obstacle.deviceId}`;
    case "verification-violated":
      return `${obstacle.userId} was verified and is not any more`;
  }
}
