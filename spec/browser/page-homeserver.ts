import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from "axios";
import { testDevice } from "../../src/testing/test-device.js";

export const ROOM = "!room:example.org";

interface PageRequest {
  readonly path: string;
  readonly token: string;
  /** Of the query string. */
  readonly params: object;
}

/** A homeserver in the page: axios sends its requests here. Each user has a room with Bob; a token is `<user>/<number>`. */
export class PageHomeserver {
  readonly requests: PageRequest[] = [];
  /** Polls that are held. */
  readonly polls = new Set<InternalAxiosRequestConfig>();
  readonly #adapter = axios.defaults.adapter;

  constructor() {
    axios.defaults.adapter = (config) => this.#answer(config);
  }

  close(): void {
    if (this.#adapter !== undefined) axios.defaults.adapter = this.#adapter;
  }

  async #answer(config: InternalAxiosRequestConfig) {
    const path = config.url ?? "";
    const token = String(config.headers.get("Authorization")).slice("Bearer ".length);
    const params = (config.params ?? {}) as { readonly since?: string; readonly timeout?: number };
    this.requests.push({ path, token, params });
    const [userId = ""] = token.split("/");
    const { since, timeout = 0 } = params;
    if (timeout > 0) return await this.#hold(config);
    const body = this.#bodyOf(path, userId, since) ?? keysOf(config);
    await new Promise((turn) => setTimeout(turn));
    return { data: JSON.stringify(body), status: 200, statusText: "OK", headers: new AxiosHeaders(), config };
  }

  #bodyOf(path: string, userId: string, since: string | undefined): object | undefined {
    if (path === "/account/whoami") return { user_id: userId };
    if (path === "/logout") return {};
    if (path === "/sync") return since === undefined ? initialSync(userId) : { next_batch: since };
    return path.endsWith("/members") ? { chunk: [member(userId), member("@bob:example.org")] } : undefined;
  }

  #hold(config: InternalAxiosRequestConfig): Promise<never> {
    this.polls.add(config);
    return new Promise((_, reject) => {
      const abort = () => {
        this.polls.delete(config);
        reject(new axios.CanceledError());
      };
      const signal = config.signal as AbortSignal;
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort);
    });
  }
}

const member = (userId: string) => ({ type: "m.room.member", state_key: userId, content: { membership: "join" } });

const initialSync = (userId: string) => ({
  next_batch: "s1",
  to_device: { events: [{ type: "m.room.encrypted" }] },
  rooms: {
    join: {
      [ROOM]: {
        state: {
          events: [
            { type: "m.room.create", state_key: "", content: {} },
            { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
            member(userId),
            member("@bob:example.org"),
          ],
        },
      },
    },
  },
});

function keysOf({ data }: InternalAxiosRequestConfig) {
  const { device_keys } = JSON.parse(data as string) as { readonly device_keys: object };
  const users = Object.keys(device_keys);
  return { device_keys: Object.fromEntries(users.map((user) => [user, { PHONE: testDevice(user, "PHONE") }])) };
}
