import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { signedBytes } from "../../src/keys/canonical-json.js";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { CrossSigningKey, DeviceKeys, KeysQueryResponse } from "../../src/model/wire.js";

/** RFC 8410, section 7: the bytes before the 32 of an ed25519 private key in DER. */
const DER_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replaceAll("=", "");
const hash = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Bytes that can be a curve25519 key. */
function belowP(bytes: Buffer): Buffer {
  bytes[31] = (bytes[31] ?? 0) & 0x7f;
  return bytes;
}

/** An ed25519 key pair. */
export interface KeyPair {
  /** Unpadded base64. */
  readonly publicKey: string;
  /** The signature of the object's signed part, in unpadded base64. */
  readonly sign: (object: Readonly<Record<string, unknown>>) => string;
}

/** The key pair of this name: the same name gives the same keys. */
export function keyPair(name: string): KeyPair {
  const privateKey = createPrivateKey({ key: Buffer.concat([DER_PREFIX, hash(name)]), format: "der", type: "pkcs8" });
  return {
    publicKey: unpadded(createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32)),
    sign: (object) => {
      const bytes = signedBytes(object);
      if (bytes === undefined) throw new Error("the object has no canonical JSON");
      return unpadded(sign(null, bytes, privateKey));
    },
  };
}

/** The object with one more signature, by this key, under this user and key ID. */
export function signed<T extends DeviceKeys | CrossSigningKey>(
  object: T,
  userId: UserId,
  by: KeyPair,
  keyId = by.publicKey,
): T {
  return withSignature(object, userId, keyId, by.sign(object));
}

/** The object with this text as a signature. */
export function withSignature<T extends DeviceKeys | CrossSigningKey>(
  object: T,
  userId: UserId,
  keyId: string,
  signature: string,
): T {
  const { signatures = {} } = object;
  return {
    ...object,
    signatures: { ...signatures, [userId]: { ...signatures[userId], [`ed25519:${keyId}`]: signature } },
  };
}

export interface DeviceOptions {
  /** Its own key pair. */
  readonly key?: KeyPair;
  readonly curve25519?: string;
  /** What else is signed. */
  readonly properties?: Partial<DeviceKeys>;
  readonly displayName?: string;
  /** @default both */
  readonly signedBy?: readonly ("itself" | "owner")[];
}

/** A user's account with valid signatures. */
export interface SignedAccount {
  readonly userId: UserId;
  readonly master: KeyPair;
  readonly selfSigning: KeyPair;
  readonly userSigning: KeyPair;
  /** Without a signature. */
  readonly masterKey: CrossSigningKey;
  /** Signed by the master key, as is the user-signing key. */
  readonly selfSigningKey: CrossSigningKey;
  readonly userSigningKey: CrossSigningKey;
  readonly device: (deviceId: DeviceId, options?: DeviceOptions) => DeviceKeys;
}

/** @param name of all keys: another name gives the account after an identity reset */
export function signedAccount(userId: UserId, name: string = userId): SignedAccount {
  const [master, selfSigning, userSigning] = [
    keyPair(`${name} master`),
    keyPair(`${name} self-signing`),
    keyPair(`${name} user-signing`),
  ];
  return {
    userId,
    master,
    selfSigning,
    userSigning,
    masterKey: crossSigningKey(userId, "master", master),
    selfSigningKey: signed(crossSigningKey(userId, "self_signing", selfSigning), userId, master),
    userSigningKey: signed(crossSigningKey(userId, "user_signing", userSigning), userId, master),
    device: (
      deviceId,
      {
        key = keyPair(`${userId} ${deviceId}`),
        curve25519 = unpadded(belowP(hash(`${userId} ${deviceId} curve25519`))),
        properties,
        displayName,
        signedBy = ["itself", "owner"],
      } = {},
    ) => {
      let device: DeviceKeys = {
        user_id: userId,
        device_id: deviceId,
        algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        keys: { [`curve25519:${deviceId}`]: curve25519, [`ed25519:${deviceId}`]: key.publicKey },
        ...properties,
        ...(displayName !== undefined && { unsigned: { device_display_name: displayName } }),
      };
      if (signedBy.includes("itself")) device = signed(device, userId, key, deviceId);
      return signedBy.includes("owner") ? signed(device, userId, selfSigning) : device;
    },
  };
}

/** The public half of a cross-signing key, without a signature. */
export function crossSigningKey(
  userId: UserId,
  usage: "master" | "self_signing" | "user_signing",
  { publicKey }: Pick<KeyPair, "publicKey">,
): CrossSigningKey {
  return { user_id: userId, usage: [usage], keys: { [`ed25519:${publicKey}`]: publicKey } };
}

/** One user's part of a response: the keys of the account, unless others are given; `undefined` for none. */
export interface Answered {
  readonly account: SignedAccount;
  readonly devices?: readonly DeviceKeys[];
  readonly masterKey?: CrossSigningKey | undefined;
  readonly selfSigningKey?: CrossSigningKey | undefined;
  readonly userSigningKey?: CrossSigningKey | undefined;
}

/** A response of `/keys/query` about these users. */
export function signedAnswer(...users: readonly Answered[]): KeysQueryResponse {
  const section = (name: "masterKey" | "selfSigningKey" | "userSigningKey") =>
    Object.fromEntries(
      users.flatMap((user) => {
        const key = name in user ? user[name] : user.account[name];
        return key === undefined ? [] : [[user.account.userId, key] as const];
      }),
    );
  return {
    device_keys: Object.fromEntries(
      users.map(({ account, devices = [] }) => [
        account.userId,
        Object.fromEntries(devices.map((device) => [device.device_id, device])),
      ]),
    ),
    master_keys: section("masterKey"),
    self_signing_keys: section("selfSigningKey"),
    user_signing_keys: section("userSigningKey"),
  };
}
