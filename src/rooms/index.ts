export { EncryptedRooms, type EncryptedRoomsOptions, type OwnAction } from "./encrypted-rooms.js";
export { RoomError, SendForbiddenError, type RoomErrorReason, type SendObstacle } from "./errors.js";
export type { MembersApi } from "./members-api.js";
export {
  planKeyShare,
  type KeySharePlan,
  type RotateReason,
  type SharedDevice,
  type SharedSession,
} from "./plan-key-share.js";
export type { RoomRecipientPolicy, RoomRecipients, RoomStand, WithheldDevice } from "./room-recipients.js";
export type { EncryptedRoom } from "./room-views.js";
export type { HistoryVisibility, RoomEncryption, RoomId } from "./wire.js";
