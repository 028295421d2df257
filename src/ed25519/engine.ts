import type { SignatureCheck } from "../keys/signature-verifier.js";

/**
 * What verifies, on one platform or another. Checks that come here are strict.
 *
 * What an engine does on the caller's thread it does before it returns, so that whoever measures the call knows how long the page has been held up. Neither function
 * throws or rejects on account of what it is given.
 */
export interface Engine<Key = unknown> {
  /** What verifying with this public key takes; `undefined` where it is none, being no point of the curve. */
  importKey(publicKey: Uint8Array): Key | undefined | Promise<Key | undefined>;
  verify(key: Key, check: SignatureCheck): boolean | Promise<boolean>;
}
