export { DeviceTracker } from "./device-tracker.js";
export type { DeviceTrackerOptions } from "./device-tracker-options.js";
export {
  AlreadyConnectedError,
  DeviceTrackerError,
  InvalidResponseError,
  QueryTimedOutError,
  StoreClearedError,
  StoreFormatError,
  StoreOwnerError,
  StoreTimedOutError,
} from "./model/errors.js";
export type { DeviceId, UserId } from "./model/ids.js";
export type { TrackerProblem } from "./model/problems.js";
export type { DeviceChanges, DeviceKeysByUser, Freshness, RejectionCode, RejectionReason, UserDeviceKeys } from "./model/results.js";
export type { CrossSigningKey, DeviceKeys, DeviceLists, KeysQueryRequest, KeysQueryResponse, SyncResponse } from "./model/wire.js";
export type { KeysApi } from "./query/keys-api.js";
export type { DeviceStore, RecordKey, Update } from "./store/device-store.js";
export { memoryStore } from "./store/memory-store.js";
