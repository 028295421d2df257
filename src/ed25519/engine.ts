import type { SignatureCheck } from "../trust/signature-verifier.js";
import { isStrictKey, isStrictSignature } from "../keys/strict-ed25519.js";

/**
 * An implementation of ed25519.
 *
 * Synchronous work is done before a function returns, so that the caller can measure how long it blocked the page.
 * Invalid input makes neither function throw or reject.
 */
export interface Engine<Key = unknown> {
  /** Prepares a public key for `verify`; `undefined` if it is not a point of the curve. */
  importKey(publicKey: Uint8Array): Key | undefined | Promise<Key | undefined>;
  verify(key: Key, check: SignatureCheck): boolean | Promise<boolean>;
}

/**
 * Passes only strict keys and signatures to the engine; all others are invalid.
 *
 * Wraps the engine rather than the whole verifier, so that these checks are part of the slices: a thousand of them take
 * time.
 */
export function strict(engine: Engine): Engine {
  return {
    importKey: (publicKey) => (isStrictKey(publicKey) ? engine.importKey(publicKey) : undefined),
    verify: (key, check) => isStrictSignature(check.signature) && engine.verify(key, check),
  };
}
