import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { CrossSigningKey, DeviceKeys, KeysQueryResponse } from "../../src/model/wire.js";
import { localpart } from "./summary.js";

/** A public key that begins with this name: letters and digits, not ending in `x`. It has no private half: it is for a `ScriptedVerifier`. */
export const keyOf = (name: string): string => `${name.padEnd(42, "x")}A`;

/** The first byte of each kind of signature, by which a `ScriptedVerifier` distinguishes them. */
export const BY_DEVICE = 1;
export const BY_OWNER = 2;
export const BY_MASTER = 3;
export const BY_US = 4;

/** A signature that only a verifier can refuse. */
export const signature = (first: number): string =>
  Buffer.from(new Uint8Array(64).fill(1).fill(first, 0, 1))
    .toString("base64")
    .replaceAll("=", "");

export interface SignedProperties {
  /** The name of its ed25519 key. @default its own */
  readonly key?: string;
  /** The name of its curve25519 key. @default its own */
  readonly curve?: string;
  readonly name?: string;
  /** The name of the self-signing key that has signed it. */
  readonly by?: string;
  /** Whether it is signed by itself. @default true */
  readonly signed?: boolean;
  /** @default those of real devices */
  readonly algorithms?: string[];
}

const ALGORITHMS = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"];

/** The default name of a device's ed25519 key. */
export const edName = (userId: UserId, deviceId: DeviceId): string => `ed${localpart(userId)}${deviceId}`;
export const curveName = (userId: UserId, deviceId: DeviceId): string => `curve${localpart(userId)}${deviceId}`;

export function signed(
  userId: UserId,
  deviceId: DeviceId,
  { key, curve, name, by, signed: signedByItself = true, algorithms = ALGORITHMS }: SignedProperties = {},
): DeviceKeys {
  const signatures = {
    ...(signedByItself && { [`ed25519:${deviceId}`]: signature(BY_DEVICE) }),
    ...(by !== undefined && { [`ed25519:${keyOf(by)}`]: signature(BY_OWNER) }),
  };
  return {
    user_id: userId,
    device_id: deviceId,
    algorithms,
    keys: {
      [`ed25519:${deviceId}`]: keyOf(key ?? edName(userId, deviceId)),
      [`curve25519:${deviceId}`]: keyOf(curve ?? curveName(userId, deviceId)),
    },
    signatures: { [userId]: signatures },
    ...(name !== undefined && { unsigned: { device_display_name: name } }),
  };
}

/** A response of `/keys/query` with one user's devices. */
export const listOf = (userId: UserId, ...devices: readonly DeviceKeys[]): KeysQueryResponse => ({
  device_keys: { [userId]: Object.fromEntries(devices.map((device) => [device.device_id, device])) },
});

/** A response with a user's identity, whose keys are called `<name>M`, `<name>S` and, if it is our `own`, `<name>U`. `ours` is the user-signing key that has signed it. */
export function identityOf(
  userId: UserId,
  name: string,
  {
    own = false,
    ours,
  }: { readonly own?: boolean; readonly ours?: { readonly userId: UserId; readonly name: string } } = {},
): KeysQueryResponse {
  const key = (
    usage: string,
    text: string,
    signatures: Readonly<Record<UserId, Record<string, string>>>,
  ): CrossSigningKey => ({ user_id: userId, usage: [usage], keys: { [`ed25519:${text}`]: text }, signatures });
  const byMaster = { [userId]: { [`ed25519:${keyOf(`${name}M`)}`]: signature(BY_MASTER) } };
  const byUs = ours === undefined ? {} : { [ours.userId]: { [`ed25519:${keyOf(ours.name)}`]: signature(BY_US) } };
  return {
    master_keys: { [userId]: key("master", keyOf(`${name}M`), byUs) },
    self_signing_keys: { [userId]: key("self_signing", keyOf(`${name}S`), byMaster) },
    ...(own && { user_signing_keys: { [userId]: key("user_signing", keyOf(`${name}U`), byMaster) } }),
  };
}

const SECTIONS = ["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"] as const;

/** These responses as one. */
export const together = (...answers: readonly KeysQueryResponse[]): KeysQueryResponse =>
  Object.fromEntries(
    SECTIONS.map((section) => [section, Object.assign({}, ...answers.map((one) => one[section])) as unknown]),
  );
