/** Starts a homeserver on a port of 127.0.0.1. `latency`: how long a `/keys/query` takes, in ms; default 700. */
export function startHomeserver(options?: { latency?: number }): Promise<{ url: string; stop: () => Promise<void> }>;
