import type { UserId } from "../../src/model/ids.js";
import type { DeviceLists, KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import { testDevice } from "../../src/testing/test-device.js";

/** A response of `/keys/query`: device IDs by user, and servers that could not be reached. */
export function answer(
  devices: Readonly<Record<UserId, readonly string[]>>,
  failing: readonly string[] = [],
): KeysQueryResponse {
  const deviceKeys = Object.entries(devices).map(
    ([userId, ids]) => [userId, Object.fromEntries(ids.map((id) => [id, testDevice(userId, id)]))] as const,
  );
  return {
    device_keys: Object.fromEntries(deviceKeys),
    failures: Object.fromEntries(failing.map((server) => [server, {}])),
  };
}

/** A sync response without `since`: it follows the one before it. */
export const step = (token: string, lists: DeviceLists = {}): SyncResponse => ({
  next_batch: token,
  device_lists: lists,
});
export const changed = (...users: readonly UserId[]): SyncResponse => step("s1", { changed: [...users] });
export const left = (...users: readonly UserId[]): SyncResponse => step("s1", { left: [...users] });
