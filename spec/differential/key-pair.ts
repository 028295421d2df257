import { createPrivateKey, createPublicKey, sign, type KeyObject } from "node:crypto";
import { canonical, isJsonObject, jsonObject, type JsonObject } from "./json.js";
import type { Random } from "../support/random.js";

/** The DER prefix of the 32 bytes of an ed25519 private key. RFC 8410, section 7. */
const DER_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

export interface KeyPair {
  /** Unpadded base64. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

export const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/u, "");

function keyPair(seed: Uint8Array): KeyPair {
  const privateKey = createPrivateKey({ key: Buffer.concat([DER_PREFIX, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return { publicKey: unpadded(publicKey), privateKey };
}

/** Key pairs shared by all histories, since creating them is slow. */
export const makeKeyPairs = (random: Random): readonly KeyPair[] =>
  Array.from({ length: 64 }, () => keyPair(random.bytes(32)));

/** The key pairs of one history. */
export class KeyRing {
  readonly #pairs: readonly KeyPair[];
  #next: number;

  constructor(pairs: readonly KeyPair[], first: number) {
    this.#pairs = pairs;
    this.#next = first;
  }

  /** The next pair, starting over at the end: no history takes all of them. */
  take(): KeyPair {
    return this.#pairs[this.#next++ % this.#pairs.length]!;
  }
}

const signature = ({ privateKey }: KeyPair, message: string): string =>
  unpadded(sign(null, Buffer.from(message), privateKey));

/** Signs an object in this user's name, without checking its content. Matrix spec, appendices, "Signing JSON". */
export function signObject(object: JsonObject, userId: string, keyId: string, by: KeyPair): void {
  const covered = jsonObject(object);
  delete covered.signatures;
  delete covered.unsigned;
  const signatures = isJsonObject(object.signatures) ? object.signatures : jsonObject();
  const { [userId]: before } = signatures;
  const theirs = isJsonObject(before) ? before : jsonObject();
  theirs[`ed25519:${keyId}`] = signature(by, canonical(covered));
  signatures[userId] = theirs;
  object.signatures = signatures;
}
