import type { SignatureCheck } from "../trust/signature-verifier.js";
import { isStrictKey, isStrictSignature } from "../keys/strict-ed25519.js";

/**
 * What verifies, on one platform or another.
 *
 * What an engine does on the caller's thread it does before it returns, so that whoever measures the call knows how long the page has been held up. Neither function
 * throws or rejects on account of what it is given.
 */
export interface Engine<Key = unknown> {
  /** What verifying with this public key takes; `undefined` where it is none, being no point of the curve. */
  importKey(publicKey: Uint8Array): Key | undefined | Promise<Key | undefined>;
  verify(key: Key, check: SignatureCheck): boolean | Promise<boolean>;
}

/** The engine, asked only about what is strict: of anything else the answer is no. Here, and not before the slices, for a thousand such looks take their time, too. */
export function strict(engine: Engine): Engine {
  return {
    importKey: (publicKey) => (isStrictKey(publicKey) ? engine.importKey(publicKey) : undefined),
    verify: (key, check) => isStrictSignature(check.signature) && engine.verify(key, check),
  };
}
