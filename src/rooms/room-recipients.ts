import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import { isVerificationViolated } from "../trust/is-verification-violated.js";
import type { LeftOutDevice, WithheldCode } from "../trust/left-out.js";
import type { RecipientPolicy } from "../trust/recipient-policy.js";
import { recipients, type Recipients } from "../trust/recipients.js";
import { SendForbiddenError, type SendObstacle } from "./errors.js";
import type { Room } from "./room.js";
import type { HistoryVisibility, RoomEncryption, RoomId } from "./wire.js";

export interface RoomRecipientPolicy extends RecipientPolicy {
  /**
   * Instead of leaving devices out, fails with {@link SendForbiddenError} if our own cross-signing identity is missing
   * or has not signed `ownDevice`, or if a user is no longer verified (MSC4153).
   * @default false
   */
  readonly strict?: boolean;
}

/** A left-out device to which an `m.room_key.withheld` event should be sent. */
export interface WithheldDevice extends LeftOutDevice {
  readonly withheld: WithheldCode;
}

/**
 * What must not change while a session is used, besides its devices. Plain JSON, to be saved with the session: see
 * `SharedSession`.
 */
export interface RoomStand {
  readonly algorithm: string;
  readonly historyVisibility: HistoryVisibility;
  /** Where responses were last missed: any user may have left in them and come back. */
  readonly missedUntil: string | null;
  /** Members and invited users that have left before, each with the event of their last departure. */
  readonly departures: Readonly<Record<UserId, string>>;
  /** The public master key of each reader that has one. */
  readonly masterKeys: Readonly<Record<UserId, string>>;
}

/** Which devices get a message in a room, and which do not. */
export interface RoomRecipients extends Recipients {
  readonly roomId: RoomId;
  /** False if some members may be missing, and some may have left; only a watcher emits this. */
  readonly isComplete: boolean;
  /** All members. */
  readonly joined: readonly UserId[];
  /** All invited users, even if they may not read: see `historyVisibility`. */
  readonly invited: readonly UserId[];
  /** The devices of `leftOut` to which an `m.room_key.withheld` event should be sent. */
  readonly withheld: readonly WithheldDevice[];
  readonly encryption: RoomEncryption;
  readonly historyVisibility: HistoryVisibility;
  /** Readers without a known list, because their homeserver cannot be reached. They are also `uncertain`. */
  readonly unlisted: readonly UserId[];
  /** When this was computed, in ms since the epoch, by the scheduler's clock. */
  readonly at: number;
  readonly stand: RoomStand;
}

/**
 * Returns the users that may read messages sent now: members, and invited users unless the history is for members only.
 */
export function readersOf({
  joined,
  invited,
  visibility,
}: {
  readonly joined: Iterable<UserId>;
  readonly invited: Iterable<UserId>;
  readonly visibility: HistoryVisibility;
}): readonly UserId[] {
  return visibility === "joined" ? [...joined] : [...joined, ...invited];
}

/**
 * Decides which devices of a room get a message.
 * @param lists of all readers, and of our own user
 * @throws SendForbiddenError if the policy is strict and forbids it
 */
export function roomRecipients(
  room: Room,
  lists: DeviceKeysByUser,
  { strict = false, ...policy }: RoomRecipientPolicy,
  ownUserId: UserId,
  at: number,
): RoomRecipients {
  const { roomId, encryption, visibility } = room;
  if (encryption === undefined) throw new Error(`${roomId} is not known to be encrypted`);
  const readers = readersOf(room);
  const asked = new Map(
    readers.flatMap((userId) => {
      const list = lists.get(userId);
      return list === undefined ? [] : [[userId, list] as const];
    }),
  );
  const selected = recipients(asked, { ...policy, users: new Set([...(policy.users ?? []), ...readers]) });
  if (strict) {
    const obstacles = obstaclesIn(lists, policy.ownDevice?.deviceId, ownUserId);
    if (obstacles.length > 0) throw new SendForbiddenError(roomId, obstacles);
  }
  return {
    ...selected,
    roomId,
    isComplete: room.isComplete,
    joined: [...room.joined],
    invited: [...room.invited],
    withheld: selected.leftOut.filter((device): device is WithheldDevice => device.withheld !== undefined),
    encryption,
    historyVisibility: visibility,
    unlisted: readers.filter((userId) => isUnlisted(asked.get(userId))),
    at,
    stand: standOf(room, encryption, asked),
  };
}

const isUnlisted = (list: UserDeviceKeys | undefined): boolean =>
  list === undefined || (list.freshness === "unreachable" && list.lastKnown === undefined);

function standOf(room: Room, { algorithm }: RoomEncryption, lists: DeviceKeysByUser): RoomStand {
  const { visibility, missedUntil, departures } = room;
  const users = [...lists.keys()];
  const pairs = <T>(pick: (userId: UserId) => T | undefined): Readonly<Record<UserId, T>> =>
    Object.fromEntries(
      users.flatMap((userId) => {
        const value = pick(userId);
        return value === undefined ? [] : [[userId, value]];
      }),
    );
  return {
    algorithm,
    historyVisibility: visibility,
    missedUntil: missedUntil ?? null,
    departures: pairs((userId) => departures.get(userId)),
    masterKeys: pairs((userId) => lists.get(userId)?.identity.masterKey),
  };
}

function obstaclesIn(
  lists: DeviceKeysByUser,
  ownDeviceId: DeviceId | undefined,
  ownUserId: UserId,
): readonly SendObstacle[] {
  const own = lists.get(ownUserId);
  const obstacles: SendObstacle[] = [];
  if (own?.masterKey === undefined || own.selfSigningKey === undefined)
    obstacles.push({ type: "own-identity-missing" });
  else if (ownDeviceId !== undefined && own.deviceStatus.get(ownDeviceId)?.crossSigned !== true)
    obstacles.push({ type: "own-device-not-cross-signed", deviceId: ownDeviceId });
  for (const [userId, { identity }] of lists)
    if (isVerificationViolated(identity)) obstacles.push({ type: "verification-violated", userId });
  return obstacles;
}
