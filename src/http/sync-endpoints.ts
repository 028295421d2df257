/** Relative to `/_matrix/client/v3`. */
export const SYNC = "/sync";

/**
 * Endpoints of sliding sync, relative to `/_matrix/client`; the one that servers have today comes first. Matrix spec
 * proposal MSC4186, "Unstable prefix" and "API".
 */
export const SLIDING_SYNC = { unstable: "/unstable/org.matrix.simplified_msc3575/sync", stable: "/v4/sync" } as const;

const SYNC_ENDPOINTS: ReadonlySet<string> = new Set([SYNC, SLIDING_SYNC.unstable, SLIDING_SYNC.stable]);

export function isSyncEndpoint(endpoint: string): boolean {
  return SYNC_ENDPOINTS.has(endpoint);
}
