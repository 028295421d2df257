// Accounts with devices that are really signed.
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { userName } from "./answers.mjs";

/** Devices of each account. */
const DEVICES = 3;

/** @typedef {import("./answers.mjs").Account} Account */

/**
 * @param {number} count
 * @param {number} [devices] of each
 * @returns {readonly Account[]}
 */
export const makeAccounts = (count, devices = DEVICES) =>
  Array.from({ length: count }, (_, i) => makeAccount(userName(i), devices));

/**
 * @param {string} userId
 * @param {number} count how many devices it has
 * @returns {Account}
 */
export function makeAccount(userId, count) {
  const devices = Array.from({ length: count }, () => makeDevice(userId));
  return { userId, devices: Object.fromEntries(devices.map((device) => [device.device_id, device])) };
}

/** A public key without its private half: 32 bytes below 2^255. */
function curve25519() {
  const bytes = randomBytes(32);
  bytes[31] &= 0x7f;
  return bytes;
}

/** A device as clients upload it, signed by itself. Matrix spec, client-server API, "Uploading keys". */
function makeDevice(userId) {
  const deviceId = randomBytes(5).toString("hex").toUpperCase();
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const device = {
    algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
    device_id: deviceId,
    keys: {
      [`curve25519:${deviceId}`]: base64(curve25519()),
      [`ed25519:${deviceId}`]: base64(publicKey.export({ format: "der", type: "spki" }).subarray(-32)),
    },
    user_id: userId,
  };
  const signature = sign(null, Buffer.from(canonicalJson(device)), privateKey);
  return {
    ...device,
    signatures: { [userId]: { [`ed25519:${deviceId}`]: base64(signature) } },
    unsigned: { device_display_name: "Bench on Linux" },
  };
}

/** Unpadded base64, as Matrix writes keys and signatures. */
const base64 = (bytes) => bytes.toString("base64").replace(/=+$/u, "");

/** Matrix spec, appendices, "Canonical JSON", as far as it is needed here. */
function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(",")}}`;
}
