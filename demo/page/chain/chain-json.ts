import type { TrustChain, TrustLink } from "matrix-device-tracker";

/**
 * A chain as JSON, for another program to check: bytes are unpadded base64, like keys and signatures. `weakest` is a
 * position in `links`, or `null`.
 */
export function chainJson({ userId, deviceId, trust, weakest, refused, links }: TrustChain): string {
  const position = weakest === undefined ? -1 : links.indexOf(weakest);
  return JSON.stringify(
    { userId, deviceId, trust, weakest: position < 0 ? null : position, refused, links: links.map(linkJson) },
    undefined,
    2,
  );
}

const linkJson = ({ signature, ...link }: TrustLink) =>
  signature === undefined ? link : { ...link, signature: { ...signature, signed: base64(signature.signed) } };

const base64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replace(/=+$/u, "");
