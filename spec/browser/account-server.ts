import { fileURLToPath } from "node:url";
import { build } from "vite";
import { LoopbackServer, type SeenRequest } from "../http/loopback-server.js";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const HTML =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';
export const ROOM = "!room:example.org";
export const BOB = "@bob:example.org";

/** A page's script, bundled in memory from the sources. */
export async function bundlePage(input: string): Promise<string> {
  const alias = [
    { find: /^matrix-device-tracker$/, replacement: file("../../src/index.ts") },
    { find: /^matrix-device-tracker\/(\w+)$/, replacement: file("../../src/$1/index.ts") },
  ];
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { alias },
    build: { write: false, minify: false, rolldownOptions: { input, output: { codeSplitting: false } } },
  });
  if (!("output" in built)) throw new Error("vite did not build a single bundle");
  return built.output[0].code;
}

/** Serves a page, and is the homeserver of its accounts: `@alice:example.org` and any other, in a room with Bob. */
export class AccountServer {
  readonly server: LoopbackServer;
  /** Polls that are held, and not aborted. */
  get polls(): readonly SeenRequest[] {
    return this.#held.filter(({ aborted }) => !aborted);
  }
  readonly #held: SeenRequest[] = [];
  readonly #loggedOut = new Set<string>();

  constructor(script: string) {
    this.server = new LoopbackServer((request) => {
      const { path } = request;
      if (path === "/page.js") request.answer(200, script, { "content-type": "text/javascript" });
      else if (path.startsWith("/_matrix/")) this.#answer(request);
      else if (path === "/elsewhere") request.answer(200, "<title>elsewhere</title>", { "content-type": "text/html" });
      else request.answer(200, HTML, { "content-type": "text/html" });
    });
  }

  /** Requests to the homeserver so far, such as `/sync`. */
  get requests(): readonly string[] {
    return this.server.requests.flatMap(({ path }) => (path.startsWith("/_matrix/") ? [path.slice(-8)] : []));
  }

  #answer(request: SeenRequest): void {
    const { path, headers, query } = request;
    const token = headers.authorization ?? "";
    if (this.#loggedOut.has(token)) request.answer(401, { errcode: "M_UNKNOWN_TOKEN", error: "Unknown token" });
    else if (path.endsWith("/logout")) {
      this.#loggedOut.add(token);
      request.answer(200);
    } else if (path.endsWith("/whoami")) request.answer(200, { user_id: userOf(token) });
    else if (path.endsWith("/keys/query")) {
      const { device_keys } = request.body as { readonly device_keys: object };
      request.answer(200, { device_keys: Object.fromEntries(Object.keys(device_keys).map((user) => [user, {}])) });
    } else if (path.endsWith("/members")) request.answer(200, { chunk: members(token).slice(2) });
    else if (query.since === undefined) request.answer(200, initialSync(token));
    else if (query.timeout === "0") request.answer(200, { next_batch: query.since });
    else this.#held.push(request);
  }
}

const member = (userId: string) => ({ type: "m.room.member", state_key: userId, content: { membership: "join" } });

/** A token is `Bearer <user ID>/<number>`. */
const userOf = (token: string): string => token.slice("Bearer ".length).split("/")[0] ?? "";

const members = (token: string): readonly object[] => [
  { type: "m.room.create", state_key: "", content: {} },
  { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
  member(userOf(token)),
  member(BOB),
];

const initialSync = (token: string) => ({
  next_batch: "s1",
  rooms: { join: { [ROOM]: { state: { events: members(token) } } } },
});
