import type { IdentityStatus } from "../model/results.js";

/**
 * True if a user was verified and no longer is: the server may withhold our signature, or show other keys. False while
 * our own identity is not there: no user is verified then.
 */
export function isVerificationViolated({ wasVerified, verified, unjudged }: IdentityStatus): boolean {
  return wasVerified && !verified && unjudged !== true;
}
