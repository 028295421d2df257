export { DeviceTracker } from "./device-tracker.js";
export type { DeviceTrackerOptions } from "./tracker/options.js";
export {
  AlreadyConnectedError,
  DeviceTrackerError,
  IdentityChangedError,
  InvalidResponseError,
  QueryTimedOutError,
  StoreClearedError,
  StoreFormatError,
  StoreOwnerError,
  StoreTimedOutError,
  TrackerClosedError,
  VerificationFailedError,
} from "./model/errors.js";
export {
  MAX_DEVICE_DEPTH,
  MAX_DEVICE_LENGTH,
  MAX_DEVICES_PER_USER,
  MAX_LISTED_DEVICES_PER_USER,
} from "./keys/limits.js";
export { platformVerifier, type PlatformVerifierOptions } from "./ed25519/platform-verifier.js";
export type { SignatureCheck, SignatureVerifier } from "./trust/signature-verifier.js";
export type { UnsignedDevices } from "./trust/verify-list.js";
export type { TrackerActivity } from "./model/activity.js";
export type { DeviceId, UserId } from "./model/ids.js";
export type { SyncFailure, TrackerProblem } from "./model/problems.js";
export type {
  DeviceChanges,
  DeviceKeysByUser,
  DeviceStatus,
  Freshness,
  IdentityState,
  IdentityStatus,
  RejectionCode,
  RejectionReason,
  UserDeviceKeys,
} from "./model/results.js";
export { compareViews, type View, type ViewDifference } from "./trust/compare-views.js";
export { keysDigest } from "./trust/keys-digest.js";
export type { Evidence } from "./trust/evidence.js";
export type { KeyEvent, KeyEventType } from "./model/key-event.js";
export type { SenderClaim, SenderState, SenderStatus } from "./trust/sender-status.js";
export type { TrustChain, TrustLink, TrustSignature } from "./trust/trust-chain.js";
export type { DeviceUpdate } from "./model/updates.js";
export type {
  CrossSigningKey,
  DeviceKeys,
  DeviceLists,
  KeysQueryRequest,
  KeysQueryResponse,
  SyncResponse,
} from "./model/wire.js";
export type { LeftOutDevice, LeftOutReason, WithheldCode } from "./trust/left-out.js";
export type { DeviceRef, RecipientPolicy } from "./trust/recipient-policy.js";
export { recipients, type RecipientDevice, type Recipients } from "./trust/recipients.js";
export type { ExtendedTracker, SyncExtension } from "./sync/sync-extension.js";
export type { KeysApi } from "./query/keys-api.js";
export type { DeviceStore, RecordKey, Update } from "./store/device-store.js";
export { memoryStore } from "./store/memory-store.js";
