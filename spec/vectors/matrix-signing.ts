/**
 * The examples of the Matrix spec, appendices, "Cryptographic Test Vectors". This seed is their private key; each is
 * signed by `domain` with the key `ed25519:1`.
 */
export const MATRIX_SEED = bytesOfText("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1");

/**
 * Decoded by the platform: ours refuses the seed because its last digit has bits beyond the last byte. Public keys have
 * none.
 */
function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * The signed JSON and the signature of "JSON Signing" and of the first event of "Event Signing", which redaction does
 * not change.
 */
export const matrixSigning: readonly (readonly [json: string, signature: string])[] = [
  [
    `{"signatures": {"domain": {"ed25519:1": "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"}}}`,
    "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ",
  ],
  [
    `{"one": 1, "signatures": {"domain": {"ed25519:1": "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"}}, "two": "Two"}`,
    "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw",
  ],
  [
    `{"auth_events": [], "content": {}, "depth": 3, "hashes": {"sha256": "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"}, "origin": "domain", "origin_server_ts": 1000000,
      "prev_events": [], "room_id": "!x:domain", "sender": "@a:domain",
      "signatures": {"domain": {"ed25519:1": "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg"}},
      "type": "X", "unsigned": {"age_ts": 1000000}}`,
    "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg",
  ],
];
