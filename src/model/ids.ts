/** A Matrix user ID, `@localpart:server`. */
export type UserId = string;
/** A device ID: opaque, chosen by the homeserver or by the device. */
export type DeviceId = string;

/** Longest user ID, in bytes of UTF-8. Matrix spec, appendices, "User Identifiers". */
const MAX_USER_ID_BYTES = 255;

/**
 * True if a value can be sent to a homeserver as a user ID: `@…:…`, at most 255 bytes.
 *
 * Deliberately no stricter: historical user IDs contain nearly any character (Matrix spec, appendices, "Historical User
 * IDs"). The check is needed because some servers refuse a whole request if one string is not a user ID.
 */
export function isUserId(value: unknown): value is UserId {
  if (typeof value !== "string" || !value.startsWith("@")) return false;
  const colon = value.indexOf(":");
  return colon !== -1 && colon < value.length - 1 && utf8Length(value) <= MAX_USER_ID_BYTES;
}

/** The server name of a user ID: everything after the first `:`, including a port. */
export function serverName(userId: UserId): string {
  return userId.slice(userId.indexOf(":") + 1);
}

function utf8Length(text: string): number {
  // Most IDs are short enough to skip encoding: a UTF-16 unit is at most three bytes of UTF-8.
  return text.length * 3 <= MAX_USER_ID_BYTES ? text.length : new TextEncoder().encode(text).length;
}
