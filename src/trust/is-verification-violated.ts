import type { IdentityStatus } from "../model/results.js";

/**
 * Whether a user was verified once and is not any more: the server may withhold our signature, or show other keys. As
 * long as our own identity is not there, that says nothing: no user is verified.
 */
export function isVerificationViolated({ wasVerified, verified, unjudged }: IdentityStatus): boolean {
  return wasVerified && !verified && unjudged !== true;
}
