import { decodeBase64 } from "../keys/base64.js";
import type { SignatureCheck } from "../trust/signature-verifier.js";
import type { Engine } from "./engine.js";

const ED25519 = "Ed25519";

/** RFC 8032, section 7.1, TEST 2: the signature of a message of one byte. */
const KNOWN_KEY = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw";
const KNOWN_MESSAGE = "cg";
const KNOWN_SIGNATURE = "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA";

/**
 * Returns the platform's own ed25519. Rejects if there is none: pages of an insecure origin have no WebCrypto, and in
 * older browsers it lacks this algorithm. The only reliable test is to use it.
 */
export async function webCrypto(): Promise<Engine<CryptoKey>> {
  const { crypto } = globalThis as { readonly crypto?: { readonly subtle?: SubtleCrypto } };
  const subtle = crypto?.subtle;
  if (subtle === undefined) throw new Error("WebCrypto is not available: is the origin of this page secure (https)?");

  const publicKey = known(KNOWN_KEY);
  const message = known(KNOWN_MESSAGE);
  const signature = known(KNOWN_SIGNATURE);
  const key = await importKey(subtle, publicKey);
  if (!(await verify(subtle, key, { publicKey, message, signature })))
    throw new Error("WebCrypto refuses a known valid ed25519 signature.");
  if (await verify(subtle, key, { publicKey, message: new Uint8Array(1), signature }))
    throw new Error("WebCrypto accepts an ed25519 signature of another message.");

  return {
    importKey: (bytes) => importKey(subtle, bytes).catch(() => undefined),
    verify: (imported, check) => verify(subtle, imported, check).catch(() => false),
  };
}

async function importKey(subtle: SubtleCrypto, publicKey: Uint8Array): Promise<CryptoKey> {
  return subtle.importKey("raw", unshared(publicKey), ED25519, false, ["verify"]);
}

async function verify(subtle: SubtleCrypto, key: CryptoKey, { message, signature }: SignatureCheck): Promise<boolean> {
  return subtle.verify(ED25519, key, unshared(signature), unshared(message));
}

/** Asserts that this memory is not shared with other threads. WebCrypto rejects shared memory. */
const unshared = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;

function known(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw new Error(`Not Base64: ${text}`);
  return bytes;
}
