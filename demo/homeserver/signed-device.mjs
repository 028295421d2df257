import { generateKeyPairSync, sign } from "node:crypto";
import { canonicalJson } from "./canonical-json.mjs";

/** Unpadded base64, as Matrix writes keys and signatures. */
const base64 = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
const publicBytes = (/** @type {import("node:crypto").KeyObject} */ key) => Buffer.from(key.export({ format: "jwk" }).x, "base64url");

/**
 * A device as a real client uploads it: two public keys, the whole of it signed by the device itself. The private keys are forgotten;
 * nobody in this demo reads a message.
 *
 * @param {string} userId
 * @param {string} deviceId
 * @param {string} displayName
 */
export function signedDevice(userId, deviceId, displayName) {
  const identity = generateKeyPairSync("ed25519");
  const olm = generateKeyPairSync("x25519");
  const device = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
    keys: {
      [`curve25519:${deviceId}`]: base64(publicBytes(olm.publicKey)),
      [`ed25519:${deviceId}`]: base64(publicBytes(identity.publicKey)),
    },
  };
  const signature = base64(sign(null, Buffer.from(canonicalJson(device)), identity.privateKey));
  // A homeserver adds `unsigned` afterwards, which is why signatures do not cover it.
  return { ...device, signatures: { [userId]: { [`ed25519:${deviceId}`]: signature } }, unsigned: { device_display_name: displayName } };
}
