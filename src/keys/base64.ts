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
    const value = valueOf(text.charCodeAt(i));
    if (value === undefined) return undefined;
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
function valueOf(code: number): number | undefined {
  if (code >= 0x41 && code <= 0x5a) return code - 0x41; // A to Z
  if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 26; // a to z
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52; // 0 to 9
  if (code === 0x2b) return 62; // +
  if (code === 0x2f) return 63; // /
  return undefined;
}

export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("=", "");
}
