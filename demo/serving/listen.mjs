import { createServer } from "node:http";

/**
 * Serves on 127.0.0.1.
 *
 * @param {import("node:http").RequestListener} listener
 * @param {number} [port] 0, the default, chooses a free one
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>} `stop` closes every connection, long polls included
 */
export async function listen(listener, port = 0) {
  const server = createServer(listener);
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  });
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
