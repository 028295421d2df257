/** Relative to `/_matrix/client/v3`. */
export const SYNC = "/sync";

/**
 * Of sliding sync, relative to `/_matrix/client`: what servers have today comes first. Matrix spec proposal MSC4186,
 * "Unstable prefix" and "API".
 */
export const SLIDING_SYNC = { unstable: "/unstable/org.matrix.simplified_msc3575/sync", stable: "/v4/sync" } as const;

const SYNC_ENDPOINTS: ReadonlySet<string> = new Set([SYNC, SLIDING_SYNC.unstable, SLIDING_SYNC.stable]);

/** Whether a request to this endpoint is a poll. */
export function isSyncEndpoint(endpoint: string): boolean {
  return SYNC_ENDPOINTS.has(endpoint);
}
