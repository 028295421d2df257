import { map, of, type Observable } from "rxjs";
import { isStrictKey, isStrictSignature } from "../keys/strict-ed25519.js";

/** Whether this ed25519 signature of the message was made with the private half of the key is the question. */
export interface SignatureCheck {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** The port: who verifies ed25519 signatures (RFC 8032, "Ed25519"). */
export interface SignatureVerifier {
  /**
   * One value, whether each holds, in the order given; then completion. May answer synchronously.
   *
   * Whatever a key or a signature is, the answer for it is yes or no. It fails only where the verifier itself cannot work: then nothing is known of any.
   */
  verify(checks: readonly SignatureCheck[]): Observable<readonly boolean[]>;
}

/**
 * Asks the verifier only about what is strict ({@link isStrictKey}, {@link isStrictSignature}): of anything else the answer is no, whoever verifies.
 * Platforms do not agree about those, and WebCrypto verifies anything at all with some of them.
 */
export function strictVerifier(verifier: SignatureVerifier): SignatureVerifier {
  return {
    verify: (checks) => {
      const strict = checks.map(({ publicKey, signature }) => isStrictKey(publicKey) && isStrictSignature(signature));
      // Plain objects: whoever verifies elsewhere, in a worker say, may send them there as they are.
      const asked = checks
        .filter((_, i) => strict[i])
        .map(({ publicKey, message, signature }) => ({ publicKey, message, signature }));
      if (asked.length === 0) return of(strict);
      return verifier.verify(asked).pipe(
        map((holds) => {
          let next = 0;
          return strict.map((isStrict) => isStrict && holds[next++] === true);
        }),
      );
    },
  };
}
