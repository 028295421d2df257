import type { UserId } from "../../src/model/ids.js";
import type { DeviceLists, KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import { testDevice } from "../../src/testing/test-device.js";

/** An answer of `/keys/query`: each user's devices by ID, and the servers that could not be reached. */
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

/** A sync response that does not say what it answered, so that it is never a gap. */
export const step = (token: string, lists: DeviceLists = {}): SyncResponse => ({
  next_batch: token,
  device_lists: lists,
});
export const changed = (...users: readonly UserId[]): SyncResponse => step("s1", { changed: [...users] });
export const left = (...users: readonly UserId[]): SyncResponse => step("s1", { left: [...users] });
