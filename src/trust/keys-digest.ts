import { canonicalJson } from "../keys/canonical-json.js";
import { deviceKey } from "../keys/device-key.js";
import { encodeBase64 } from "../keys/base64.js";
import { sha256 } from "../keys/sha256.js";
import type { IdentityStatus, UserDeviceKeys } from "../model/results.js";

/**
 * Returns a digest of a user's keys: SHA-256, in unpadded base64, over the canonical JSON of
 *
 *     { "fingerprints": [the ed25519 keys of all devices, sorted], "master": …, "self_signing": … }
 *
 * in UTF-8, with the public keys in unpadded base64; missing keys are left out.
 *
 * Everyone that is shown the same devices of a user gets the same digest.
 */
export function keysDigest({
  deviceKeys,
  identity: { masterKey: master },
  selfSigningKey,
}: Pick<UserDeviceKeys, "deviceKeys" | "selfSigningKey"> & {
  readonly identity: Pick<IdentityStatus, "masterKey">;
}): string {
  const fingerprints = Array.from(deviceKeys.values()).flatMap((device) => deviceKey(device, "ed25519") ?? []);
  const selfSigning = Object.values(selfSigningKey?.keys ?? {})[0];
  const json = canonicalJson({
    fingerprints: fingerprints.sort(),
    ...(master !== undefined && { master }),
    ...(selfSigning !== undefined && { self_signing: selfSigning }),
  });
  return encodeBase64(sha256(new TextEncoder().encode(json)));
}
