import { map, of, type Observable } from "rxjs";
import { isStrictKey, isStrictSignature } from "../keys/strict-ed25519.js";

/** An ed25519 signature of a message, to be verified with a public key. */
export interface SignatureCheck {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** The port that verifies ed25519 signatures (RFC 8032, "Ed25519"). */
export interface SignatureVerifier {
  /**
   * Emits once whether each signature is valid, in the order of the checks, and completes. May emit synchronously.
   *
   * A malformed key or signature is invalid. Fails only if the verifier itself cannot work; nothing is known about any
   * of the signatures then.
   */
  verify(checks: readonly SignatureCheck[]): Observable<readonly boolean[]>;
}

/**
 * Passes only strict keys and signatures ({@link isStrictKey}, {@link isStrictSignature}) to the verifier; all others
 * are invalid. Platforms disagree about them, and WebCrypto accepts any message for some of them.
 */
export function strictVerifier(verifier: SignatureVerifier): SignatureVerifier {
  return {
    verify: (checks) => {
      const strict = checks.map(({ publicKey, signature }) => isStrictKey(publicKey) && isStrictSignature(signature));
      // Plain objects, so that a verifier can post them to a worker.
      const passed = checks
        .filter((_, i) => strict[i])
        .map(({ publicKey, message, signature }) => ({ publicKey, message, signature }));
      if (passed.length === 0) return of(strict);
      return verifier.verify(passed).pipe(
        map((results) => {
          let next = 0;
          return strict.map((isStrict) => isStrict && results[next++] === true);
        }),
      );
    },
  };
}
