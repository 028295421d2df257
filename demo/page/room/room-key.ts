import type { RecipientDevice, UserId } from "matrix-device-tracker";
import { planKeyShare, type KeySharePlan, type RoomRecipients, type SharedSession } from "matrix-device-tracker/rooms";
import { nameOf } from "../words/device-name.js";

/** A device that was given a key. */
interface KeyHolder {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly curve25519: string | undefined;
  readonly name: string;
}

/** A key of the room: what an application keeps of an outbound session, and how the page calls it. */
export interface RoomKey extends SharedSession {
  /** 1 for the first key. */
  readonly number: number;
  readonly sharedWith: readonly KeyHolder[];
}

/** What has to happen before the next message. Without a key, one is made and given to all devices. */
export const planFor = (key: RoomKey | undefined, now: RoomRecipients): KeySharePlan =>
  key === undefined ? { share: now.devices, rotate: [] } : planKeyShare(key, now);

/** The key after one more message, which may be another key. */
export function keyAfterSending(
  key: RoomKey | undefined,
  { share, rotate }: KeySharePlan,
  now: RoomRecipients,
): RoomKey {
  const holders = share.map(toHolder);
  if (key === undefined || rotate.length > 0)
    return {
      number: (key?.number ?? 0) + 1,
      createdAt: now.at,
      messageCount: 1,
      sharedWith: holders,
      stand: now.stand,
    };
  return {
    ...key,
    messageCount: key.messageCount + 1,
    sharedWith: [...key.sharedWith, ...holders],
    stand: now.stand,
  };
}

/** The name that a device had when it was given the key. */
export function holderName(key: RoomKey | undefined): (userId: string, deviceId: string) => string {
  return (userId, deviceId) =>
    key?.sharedWith.find((holder) => holder.userId === userId && holder.deviceId === deviceId)?.name ?? deviceId;
}

const toHolder = ({ userId, deviceId, device }: RecipientDevice): KeyHolder => ({
  userId,
  deviceId,
  curve25519: device.keys[`curve25519:${deviceId}`],
  name: nameOf(deviceId, device),
});
