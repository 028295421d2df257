import { decodeBase64 } from "../keys/base64.js";
import { signedBytes } from "../keys/canonical-json.js";
import type { SignatureCheck } from "./signature-verifier.js";

/** Whether something holds, given the results of all checks. */
export type Outcome = (results: readonly boolean[]) => boolean;
export const HOLDS: Outcome = () => true;
export const FAILS: Outcome = () => false;

/** The bytes that a signature covers; `undefined` if the object has no canonical JSON. */
export type Signed = () => Uint8Array | undefined;

/**
 * The bytes that a signature of this object covers, computed on first use.
 *
 * The verifier reads it, slice by slice: computing the canonical JSON of a thousand devices at once would block the
 * page for too long.
 */
export function lazySignedBytes(object: Readonly<Record<string, unknown>>): Signed {
  let computed: { readonly bytes: Uint8Array | undefined } | undefined;
  return () => (computed ??= { bytes: signedBytes(object) }).bytes;
}

/** The signatures to check for one list, all verified in one go. */
export class SignatureChecks {
  readonly #checks: SignatureCheck[] = [];

  get all(): readonly SignatureCheck[] {
    return this.#checks;
  }

  /** Adds a check. A signature that is missing or malformed fails without one. */
  add(publicKey: Uint8Array, signed: Signed, signature: string | undefined): Outcome {
    const bytes = signature === undefined ? undefined : decodeBase64(signature, 64);
    if (bytes === undefined) return FAILS;
    const index = this.#checks.push(new LazyCheck(publicKey, signed, bytes)) - 1;
    return (results) => results[index] === true && signed() !== undefined;
  }
}

const NO_BYTES = new Uint8Array();

/** A check whose message is computed when it is read. */
class LazyCheck implements SignatureCheck {
  readonly #signed: Signed;

  constructor(
    readonly publicKey: Uint8Array,
    signed: Signed,
    readonly signature: Uint8Array,
  ) {
    this.#signed = signed;
  }

  get message(): Uint8Array {
    return this.#signed() ?? NO_BYTES;
  }
}
