import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceKeys } from "../model/wire.js";

/**
 * Creates an unsigned device in the form of real ones. Its keys are derived from its name: the same arguments return
 * the same device.
 *
 * @param properties override those of the device
 * @example
 * testDevice("@bob:example.org", "PHONE", { unsigned: { device_display_name: "Bob's phone" } });
 */
export function testDevice(userId: UserId, deviceId: DeviceId, properties: Partial<DeviceKeys> = {}): DeviceKeys {
  return {
    user_id: userId,
    device_id: deviceId,
    algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
    keys: {
      [`curve25519:${deviceId}`]: testKey(`curve25519 ${userId} ${deviceId}`),
      [`ed25519:${deviceId}`]: testKey(`ed25519 ${userId} ${deviceId}`),
    },
    ...properties,
  };
}

/** The highest bit of the last byte, in the 42nd character: it is 0 in a curve25519 key. */
const TOP_BIT = 0b1000;

/** Derives a key of 32 bytes, in unpadded base64, from a text. */
function testKey(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let state = 2_166_136_261; // FNV-1a
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0;
  let key = "";
  for (let i = 0; i < 42; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const six = state >>> 26;
    key += alphabet.charAt(i === 41 ? six & ~TOP_BIT : six);
  }
  return `${key}A`; // the last of 43 characters stands for four bits
}
