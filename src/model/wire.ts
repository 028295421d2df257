import type { DeviceId, UserId } from "./ids.js";

/**
 * A device and its identity keys as they were uploaded: verbatim JSON with all unknown properties, because signatures
 * cover them.
 *
 * Matrix spec, client-server API, `POST /_matrix/client/v3/keys/query`, "DeviceInformation". The spec requires
 * `signatures`; here the option `unsignedDevices` decides about a device without them.
 */
export interface DeviceKeys {
  user_id: UserId;
  device_id: DeviceId;
  algorithms: string[];
  /** Public keys in unpadded base64, by `<algorithm>:<device ID>`. */
  keys: Record<string, string>;
  signatures?: Record<UserId, Record<string, string>>;
  unsigned?: { device_display_name?: string; [key: string]: unknown };
  [key: string]: unknown;
}

/**
 * A master, self-signing or user-signing key, verbatim. Matrix spec, client-server API, "Cross-signing",
 * "CrossSigningKey".
 */
export interface CrossSigningKey {
  user_id: UserId;
  usage: string[];
  keys: Record<string, string>;
  signatures?: Record<UserId, Record<string, string>>;
  [key: string]: unknown;
}

/** Matrix spec, client-server API, "End-to-End Encryption", "Extensions to /sync". */
export interface DeviceLists {
  changed?: UserId[];
  left?: UserId[];
}

/** What the tracker reads of a `GET /_matrix/client/v3/sync` response. The rest passes through untouched. */
export interface SyncResponse {
  next_batch: string;
  device_lists?: DeviceLists;
  /**
   * The token sent with the request; `null` for an initial sync. If absent, the response is assumed to follow the
   * previous one without a gap.
   */
  since?: string | null;
  [key: string]: unknown;
}

/** The body of `POST /_matrix/client/v3/keys/query`. `[]` requests all devices of a user. */
export interface KeysQueryRequest {
  device_keys: Record<UserId, []>;
  /** How long the homeserver may wait for other homeservers, in ms. */
  timeout?: number;
}

/** The response of `POST /_matrix/client/v3/keys/query`. */
export interface KeysQueryResponse {
  device_keys?: Record<UserId, Record<DeviceId, DeviceKeys>>;
  /** Servers that could not be reached, by name. */
  failures?: Record<string, unknown>;
  master_keys?: Record<UserId, CrossSigningKey>;
  self_signing_keys?: Record<UserId, CrossSigningKey>;
  /** Only for our own user. */
  user_signing_keys?: Record<UserId, CrossSigningKey>;
  /**
   * Not sent by servers, but added by the port: users for which the homeserver failed (5xx) even when queried alone.
   * They are `unreachable`.
   */
  unanswered?: readonly UserId[];
  [key: string]: unknown;
}
