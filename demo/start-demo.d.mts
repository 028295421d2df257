/**
 * Builds the package if necessary, and serves the page and its homeserver on one port of 127.0.0.1. `port`: 0, the default, chooses a free one;
 * `latency`: how long a `/keys/query` takes, in ms.
 */
export function startDemo(options?: {
  port?: number;
  latency?: number;
}): Promise<{ url: string; stop(): Promise<void> }>;
