import type { DeviceId, UserId } from "./ids.js";

/**
 * A device and its identity keys, as it was uploaded. Verbatim JSON: unknown properties are kept, because signatures cover them.
 *
 * Matrix spec, client-server API, `POST /_matrix/client/v3/keys/query`, "DeviceInformation". There `signatures` is required; here it is what the option `unsignedDevices` is about.
 */
export interface DeviceKeys {
  user_id: UserId;
  device_id: DeviceId;
  algorithms: string[];
  /** `"<algorithm>:<device ID>"` to the public key, unpadded base64. */
  keys: Record<string, string>;
  signatures?: Record<UserId, Record<string, string>>;
  unsigned?: { device_display_name?: string; [key: string]: unknown };
  [key: string]: unknown;
}

/** A master, self-signing or user-signing key, verbatim. Matrix spec, client-server API, "Cross-signing", "CrossSigningKey". */
export interface CrossSigningKey {
  user_id: UserId;
  usage: string[];
  keys: Record<string, string>;
  signatures?: Record<UserId, Record<string, string>>;
  [key: string]: unknown;
}

/** Matrix spec, client-server API, "Extensions to /sync" of "End-to-End Encryption". */
export interface DeviceLists {
  changed?: UserId[];
  left?: UserId[];
}

/** What the tracker reads of an answer of `GET /_matrix/client/v3/sync`; the rest of it passes through untouched. */
export interface SyncResponse {
  next_batch: string;
  device_lists?: DeviceLists;
  /**
   * The token that this response answered: `null` for an initial sync. Absent where the caller does not know;
   * the response is then taken to follow the one before it, without a gap.
   */
  since?: string | null;
  [key: string]: unknown;
}

/** Body of `POST /_matrix/client/v3/keys/query`; `[]` asks for all devices of a user. */
export interface KeysQueryRequest {
  device_keys: Record<UserId, []>;
  /** How long the homeserver may wait for other homeservers, in ms. */
  timeout?: number;
}

/** Answer of `POST /_matrix/client/v3/keys/query`. */
export interface KeysQueryResponse {
  device_keys?: Record<UserId, Record<DeviceId, DeviceKeys>>;
  /** Servers that could not be reached, by name. */
  failures?: Record<string, unknown>;
  master_keys?: Record<UserId, CrossSigningKey>;
  self_signing_keys?: Record<UserId, CrossSigningKey>;
  /** Only our own. */
  user_signing_keys?: Record<UserId, CrossSigningKey>;
  [key: string]: unknown;
}
