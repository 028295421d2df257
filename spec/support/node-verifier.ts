import { createPublicKey, verify } from "node:crypto";
import { defer, of } from "rxjs";
import type { SignatureVerifier } from "../../src/trust/signature-verifier.js";

/** RFC 8410, section 4: the bytes before the 32 of an ed25519 public key in DER. */
const DER_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** Node's ed25519, which is synchronous: real signatures in virtual time. */
export const nodeVerifier: SignatureVerifier = {
  verify: (checks) =>
    defer(() =>
      of(
        checks.map(({ publicKey, message, signature }) => {
          try {
            return verify(
              null,
              message,
              createPublicKey({ key: Buffer.concat([DER_PREFIX, publicKey]), format: "der", type: "spki" }),
              signature,
            );
          } catch {
            return false; // not a point of the curve
          }
        }),
      ),
    ),
};
