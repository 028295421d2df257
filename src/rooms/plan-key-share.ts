import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceKeys } from "../model/wire.js";
import type { LeftOutReason } from "../trust/left-out.js";
import type { DeviceRef } from "../trust/recipient-policy.js";
import type { RecipientDevice } from "../trust/recipients.js";
import { readersOf, type RoomRecipients, type RoomStand } from "./room-recipients.js";
import type { HistoryVisibility } from "./wire.js";

/** A device that has the session. `RecipientDevice`s can be passed as they are. */
export interface SharedDevice extends DeviceRef {
  /** Its curve25519 key when it received the session. Unpadded base64. @default that of `device` */
  readonly curve25519?: string | undefined;
  /** The device when it received the session. Without this or `curve25519`, a changed key is not noticed. */
  readonly device?: DeviceKeys | undefined;
}

/** An outbound group session, as the application stores it. */
export interface SharedSession {
  /** Creation time, in ms since the epoch. */
  readonly createdAt: number;
  /** Messages encrypted with it. */
  readonly messageCount: number;
  /** The devices that have it. */
  readonly sharedWith: Iterable<SharedDevice>;
  /** `RoomRecipients.stand` as of when the session was last shared. */
  readonly stand: RoomStand;
}

/** Why a session must no longer be used. */
export type RotateReason =
  /** A user that has the session left, and may have come back. */
  | { readonly type: "user-left"; readonly userId: UserId }
  /** A user that has the session is only invited, and the history is now for members only. */
  | { readonly type: "user-excluded"; readonly userId: UserId }
  /** Responses were missed: any user may have left in them and come back. */
  | { readonly type: "responses-missed" }
  /** A device that has the session was removed. */
  | { readonly type: "device-removed"; readonly userId: UserId; readonly deviceId: DeviceId }
  /** A device that has the session now has another curve25519 key. */
  | { readonly type: "device-replaced"; readonly userId: UserId; readonly deviceId: DeviceId }
  /** A device that has the session must no longer get messages. */
  | {
      readonly type: "device-left-out";
      readonly userId: UserId;
      readonly deviceId: DeviceId;
      readonly reason: LeftOutReason;
    }
  /** The master key of a user that has the session was replaced or removed. */
  | { readonly type: "identity-changed"; readonly userId: UserId }
  /** Whether users that join later may read new messages has changed. */
  | { readonly type: "visibility-changed"; readonly from: HistoryVisibility; readonly to: HistoryVisibility }
  /** The session is as old as the room allows; or the clock was set back, so that `age`, in ms, is negative. */
  | { readonly type: "too-old"; readonly age: number }
  /** The session was used for as many messages as the room allows. */
  | { readonly type: "too-many-messages"; readonly count: number }
  /** The room has another algorithm. */
  | { readonly type: "algorithm-changed"; readonly from: string; readonly to: string };

/** What to do before the next message. */
export interface KeySharePlan {
  /** The devices to share the session with: all of them if it must be rotated first. */
  readonly share: readonly RecipientDevice[];
  /** Why the session must be rotated; empty if it need not be. */
  readonly rotate: readonly RotateReason[];
}

/**
 * Plans what to do before the next message in a room: with which devices to share the session, and whether to create a
 * new one first, for instance because a device that has it must no longer read. Pure.
 *
 * @param now what `recipients` has just emitted; a value of a watcher may be older for invited users
 * @example
 * rooms.recipients(roomId).subscribe((now) => {
 *   const { share, rotate } = planKeyShare(session, now);
 *   if (rotate.length > 0) session = { ...newSession(), createdAt: now.at, messageCount: 0, sharedWith: [] };
 *   giveRoomKey(session, share);
 *   session = { ...session, sharedWith: [...session.sharedWith, ...share], stand: now.stand };
 * });
 */
export function planKeyShare(session: SharedSession, now: RoomRecipients): KeySharePlan {
  const shared = [...session.sharedWith];
  const readers = new Set(readersOf({ ...now, visibility: now.historyVisibility }));
  const rotate = [
    ...settingsReasons(session, now),
    ...userReasons(new Set(shared.map(({ userId }) => userId)), readers, session.stand, now),
    ...deviceReasons(shared, readers, now),
  ];
  if (rotate.length > 0) return { share: now.devices, rotate };
  const has = byUser(shared);
  return { share: now.devices.filter(({ userId, deviceId }) => has.get(userId)?.has(deviceId) !== true), rotate };
}

function settingsReasons({ createdAt, messageCount, stand }: SharedSession, now: RoomRecipients): RotateReason[] {
  const { algorithm, rotationPeriodMs, rotationPeriodMsgs } = now.encryption;
  const { historyVisibility: to } = now;
  const age = now.at - createdAt;
  const reasons: RotateReason[] = [];
  if (stand.algorithm !== algorithm) reasons.push({ type: "algorithm-changed", from: stand.algorithm, to: algorithm });
  if (isForLater(stand.historyVisibility) !== isForLater(to))
    reasons.push({ type: "visibility-changed", from: stand.historyVisibility, to });
  if (!(age >= 0 && age < rotationPeriodMs)) reasons.push({ type: "too-old", age });
  if (!(messageCount < rotationPeriodMsgs)) reasons.push({ type: "too-many-messages", count: messageCount });
  if (stand.missedUntil !== now.stand.missedUntil) reasons.push({ type: "responses-missed" });
  return reasons;
}

/** True if users that join later may read messages sent now. */
const isForLater = (visibility: HistoryVisibility): boolean =>
  visibility === "shared" || visibility === "world_readable";

function userReasons(
  users: ReadonlySet<UserId>,
  readers: ReadonlySet<UserId>,
  before: RoomStand,
  now: RoomRecipients,
): RotateReason[] {
  const invited = new Set(now.invited);
  const reasons: RotateReason[] = [];
  for (const userId of users) {
    const { departures, masterKeys } = now.stand;
    const hasLeft = departures[userId] !== undefined && departures[userId] !== before.departures[userId];
    if (!readers.has(userId) && invited.has(userId) && !hasLeft) reasons.push({ type: "user-excluded", userId });
    else if (!readers.has(userId) || hasLeft) reasons.push({ type: "user-left", userId });
    else if (before.masterKeys[userId] !== undefined && masterKeys[userId] !== before.masterKeys[userId])
      reasons.push({ type: "identity-changed", userId });
  }
  return reasons;
}

function deviceReasons(
  shared: readonly SharedDevice[],
  readers: ReadonlySet<UserId>,
  now: RoomRecipients,
): RotateReason[] {
  const devices = byUser(now.devices);
  const leftOut = byUser(now.leftOut);
  const unknown = new Set(now.unlisted);
  return shared.flatMap(({ userId, deviceId, curve25519, device: was }): RotateReason[] => {
    if (!readers.has(userId) || unknown.has(userId)) return [];
    const device = devices.get(userId)?.get(deviceId);
    const without = leftOut.get(userId)?.get(deviceId);
    if (device !== undefined) {
      const name = `curve25519:${deviceId}`;
      const key = curve25519 ?? was?.keys[name];
      return key === undefined || key === device.device.keys[name]
        ? []
        : [{ type: "device-replaced", userId, deviceId }];
    }
    if (without === undefined) return [{ type: "device-removed", userId, deviceId }];
    // The sending device created the session, so it need not receive it.
    return without.reason === "own-device"
      ? []
      : [{ type: "device-left-out", userId, deviceId, reason: without.reason }];
  });
}

function byUser<D extends DeviceRef>(devices: readonly D[]): ReadonlyMap<UserId, ReadonlyMap<DeviceId, D>> {
  const users = new Map<UserId, Map<DeviceId, D>>();
  for (const device of devices) {
    let own = users.get(device.userId);
    if (own === undefined) users.set(device.userId, (own = new Map<DeviceId, D>()));
    own.set(device.deviceId, device);
  }
  return users;
}
