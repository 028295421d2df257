import { generateKeyPairSync, sign } from "node:crypto";
import { canonicalJson } from "./canonical-json.mjs";

/** Unpadded base64, as Matrix writes keys and signatures. */
const base64 = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
/** The last 32 bytes of its SPKI. Not as JWK: Node 20 may hang when thousands of keys are exported in that format. */
const publicText = (/** @type {import("node:crypto").KeyObject} */ key) =>
  base64(key.export({ format: "der", type: "spki" }).subarray(-32));

/** The public half of a new curve25519 key. The private half is dropped: no message is decrypted in this demo. */
export const newCurve25519 = () => publicText(generateKeyPairSync("x25519").publicKey);

/** An ed25519 key that signs JSON as the Matrix spec defines it. */
export class SigningKey {
  #private;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    /** Unpadded base64. */
    this.text = publicText(publicKey);
    this.#private = privateKey;
  }

  /**
   * Returns the object with one more signature, which covers everything but `signatures` and `unsigned`. Matrix spec,
   * appendices, "Signing JSON".
   *
   * @template {Signable} T
   * @param {T} object
   * @param {string} userId the signing user
   * @param {string} keyId the ID of the key: a device ID, or the public key itself
   * @returns {T & { signatures: Signatures }}
   */
  sign(object, userId, keyId) {
    const { signatures = {}, unsigned: _, ...signed } = object;
    const signature = base64(sign(null, Buffer.from(canonicalJson(signed)), this.#private));
    return {
      ...object,
      signatures: { ...signatures, [userId]: { ...signatures[userId], [`ed25519:${keyId}`]: signature } },
    };
  }
}

/** @typedef {Record<string, Record<string, string>>} Signatures by user and key */
/** @typedef {{ signatures?: Signatures, unsigned?: object, [key: string]: unknown }} Signable */
