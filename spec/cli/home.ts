import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHomeserver } from "../../demo/homeserver/homeserver.mjs";
import { World } from "../../demo/homeserver/world.mjs";

export const ALICE = "@alice:home.example";
export const BOB = "@bob:home.example";
export const CAROL = "@carol:home.example";
export const DAVE = "@dave:elsewhere.example";
export const ROOM = "!kitchen:home.example";
export const PASSWORD = "correct horse";

/** The demo's homeserver, with logins: Alice's password makes devices, and a log-out deletes them. */
export class Home {
  readonly world = new World();
  url = "";
  /** The devices that are logged in, by their access tokens. */
  readonly logins = new Map<string, { readonly deviceId: string; readonly displayName: unknown }>();
  /** How many log-ins there have been. */
  count = 0;
  /** Requests, such as `POST /login`. */
  readonly requests: string[] = [];
  /** While it is set, log-ins are not answered before it resolves. */
  loginHeld: Promise<void> | undefined;
  /** While it is set, aliases of rooms are not resolved before it resolves. */
  aliasHeld: Promise<void> | undefined;
  /** While it is set, log-outs are not answered before it resolves. */
  logoutHeld: Promise<void> | undefined;
  refusesLogout = false;
  readonly #homeserver = createHomeserver({ world: this.world, latency: 5 });
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Does what a button of the demo does. */
  async control(action: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.url}/control/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return response.json();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "", "http://localhost").pathname.replace("/_matrix/client/v3", "");
    this.requests.push(`${request.method} ${path}`);
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    const answer = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const login = this.logins.get(token);
    if (path === "/login") {
      const body = JSON.parse(await textOf(request)) as LoginBody;
      await this.loginHeld;
      if (body.password !== PASSWORD) answer(403, { errcode: "M_FORBIDDEN", error: "Invalid username or password" });
      else answer(200, this.#logIn(body));
    } else if (path === "/logout" && login !== undefined) {
      const done = !this.refusesLogout && this.logins.delete(token);
      await this.logoutHeld;
      if (done) answer(200, {});
      else answer(500, { errcode: "M_UNKNOWN", error: "Internal server error" });
    } else if (path === "/account/whoami" && login !== undefined)
      answer(200, { user_id: ALICE, device_id: login.deviceId });
    else if (path.startsWith("/directory/room/")) {
      await this.aliasHeld;
      answer(200, { room_id: ROOM });
    } else {
      // The demo's homeserver has one login.
      if (login !== undefined) request.headers.authorization = "Bearer demo";
      else if (token === "demo") request.headers.authorization = "Bearer none";
      if (!this.#homeserver.handle(request, response)) answer(404, {});
    }
  }

  #logIn({ initial_device_display_name: displayName }: LoginBody) {
    const token = `token${++this.count}`;
    const deviceId = `CLI${this.count}`;
    this.logins.set(token, { deviceId, displayName });
    return { user_id: ALICE, access_token: token, device_id: deviceId };
  }
}

interface LoginBody {
  readonly password?: string;
  readonly initial_device_display_name?: unknown;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
