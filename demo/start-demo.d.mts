/** The files of the page, by path. */
export type BuiltPage = Map<string, string | Uint8Array>;

/** Builds the package, if necessary, and the page, in memory. */
export function buildDemo(): Promise<BuiltPage>;

/**
 * Serves the page and its homeserver on one port of 127.0.0.1. `port`: 0, the default, chooses a free one; `latency`: how long a `/keys/query` takes, in
 * ms; `page`: what `buildDemo` returned, by default built now.
 */
export function startDemo(options?: {
  port?: number;
  latency?: number;
  page?: BuiltPage;
}): Promise<{ url: string; stop(): Promise<void> }>;
