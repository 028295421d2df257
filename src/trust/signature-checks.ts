import { decodeBase64 } from "../keys/base64.js";
import { signedBytes } from "../keys/canonical-json.js";
import type { SignatureCheck } from "./signature-verifier.js";

/** Decides whether something holds, given the results of all checks. */
export type Outcome = (results: readonly boolean[]) => boolean;
export const HOLDS: Outcome = () => true;
export const FAILS: Outcome = () => false;

/** Returns the bytes that a signature covers; `undefined` if the object has no canonical JSON. */
export type Signed = () => Uint8Array | undefined;

/**
 * Returns the bytes that a signature of this object covers, computed on first use.
 *
 * The verifier reads them in slices: computing the canonical JSON of a thousand devices at once would block the page
 * for too long.
 */
export function lazySignedBytes(object: Readonly<Record<string, unknown>>): Signed {
  let computed: { readonly bytes: Uint8Array | undefined } | undefined;
  return () => (computed ??= { bytes: signedBytes(object) }).bytes;
}

/** The signatures to check for one list, all verified in one call. */
export class SignatureChecks {
  readonly #checks: SignatureCheck[] = [];

  get all(): readonly SignatureCheck[] {
    return this.#checks;
  }

  /** Adds a check. A missing or malformed signature fails without one. */
  add(publicKey: Uint8Array, signed: Signed, signature: string | undefined): Outcome {
    const bytes = signature === undefined ? undefined : decodeBase64(signature, 64);
    if (bytes === undefined) return FAILS;
    const index = this.#checks.push(new LazyCheck(publicKey, signed, bytes)) - 1;
    return (results) => results[index] === true && signed() !== undefined;
  }
}

const NO_BYTES = new Uint8Array();

/** A check with a message that is computed when read. */
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
