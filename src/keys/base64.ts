/** The characters of base64, in the order of their values. */
export const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NONE = 0xff;
/** The values by character code; {@link NONE} for other characters. */
const VALUES = Uint8Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)) & NONE);

/**
 * Decodes unpadded Base64. Returns `undefined` if the text is invalid, or does not have the given length in bytes.
 *
 * Matrix spec, appendices, "Unpadded Base64": the standard alphabet (RFC 4648, section 4, not the URL-safe one) without
 * `=`. Decoders SHOULD accept padding there, but this one does not; "Binary data" allows rejecting improper encodings.
 * Keys are compared as text, so each must have exactly one spelling: no padding, no white space, no bits beyond the
 * last byte (RFC 4648, section 3.5).
 */
export function decodeBase64(text: string, length?: number): Uint8Array | undefined {
  const rest = text.length % 4;
  if (rest === 1) return undefined; // six bits do not make a byte
  const size = (text.length - rest) * 0.75 + (rest === 0 ? 0 : rest - 1);
  if (length !== undefined && length !== size) return undefined;

  const bytes = new Uint8Array(size);
  let at = 0;
  let bits = 0;
  let pending = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? NONE;
    if (value === NONE) return undefined;
    pending = (pending << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = pending >> bits;
      pending &= (1 << bits) - 1;
    }
  }
  return pending === 0 ? bytes : undefined;
}

/** RFC 4648, section 4, table 1. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("=", "");
}
