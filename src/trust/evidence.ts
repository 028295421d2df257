/**
 * What ties a key to its owner, weakest first:
 *
 * - `seen`: the server named it
 * - `self-signed`: a device's own key has signed the device
 * - `cross-signed`: the user's identity has signed the device, and is the pinned one
 * - `acknowledged`: a person has confirmed the key
 * - `verified`: through our own confirmed identity
 *
 * A stronger one overrides a weaker pin. A weaker one never replaces or blocks a stronger one.
 */
export type Evidence = "seen" | "self-signed" | "cross-signed" | "acknowledged" | "verified";

const ORDER: readonly Evidence[] = ["seen", "self-signed", "cross-signed", "acknowledged", "verified"];

export const isWeaker = (one: Evidence, other: Evidence): boolean => ORDER.indexOf(one) < ORDER.indexOf(other);

/** The stronger of the two; one that is not known is the weakest. */
export function strongest<T extends Evidence | undefined>(a: Evidence | undefined, b: T): T | Evidence {
  return a === undefined || isWeaker(a, b ?? "seen") ? b : a;
}

export const isEvidence = (value: unknown): value is Evidence => ORDER.includes(value as Evidence);
