/**
 * Serves the page and its homeserver on one port of 127.0.0.1. `port`: 0, the default, chooses a free one; `latency`:
 * how long a `/keys/query` takes, in ms; `onBuild`: called if the page has to be built first.
 */
export function startDemo(options?: {
  port?: number;
  latency?: number;
  onBuild?: () => void;
}): Promise<{ url: string; stop: () => Promise<void> }>;
