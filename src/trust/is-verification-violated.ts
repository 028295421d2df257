import type { IdentityStatus } from "../model/results.js";

/** Whether a user was verified once and is not any more: the server may withhold our signature, or show other keys. */
export function isVerificationViolated({ wasVerified, verified }: IdentityStatus): boolean {
  return wasVerified && !verified;
}
