import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { config } from "rxjs";
import { afterEach, beforeEach, vi } from "vitest";
import type { DeviceTracker } from "../../src/device-tracker.js";
import type { SharedSession } from "../../src/rooms/plan-key-share.js";
import { testDevice } from "../../src/testing/test-device.js";
import { LoopbackServer, type SeenRequest } from "../http/loopback-server.js";
import { ALICE, BOB } from "../support/users.js";
import { blockUnder, COMPOSITION, constantsOf, run } from "./blocks.js";

type Values = Readonly<Record<string, unknown>>;

const TOKEN = "first";
const ROOM = "!room:example.org";

interface Beginning {
  readonly title?: string;
  readonly url?: string;
  readonly application?: Values;
}

/** An application that consists of the README's code, and its homeserver. */
export class Application {
  readonly server: LoopbackServer;
  /** What the application printed and did, a line each. */
  readonly lines: string[] = [];
  /** Errors that nothing handled: each would end a Node process. */
  readonly unhandled: unknown[] = [];
  /** The access token that the server accepts. */
  token = TOKEN;
  /** The user whose token it is. */
  owner = ALICE;
  #poll: SeenRequest | undefined;
  #constants: Values = {};
  readonly #trackers: DeviceTracker[] = [];
  /** Made by what is kept in it. */
  readonly #directory = join(tmpdir(), `readme-${randomUUID()}`);

  constructor() {
    this.server = new LoopbackServer((request) => {
      this.#respond(request);
    });
  }

  /** Runs a block that begins an application: the composition, unless another one is named. */
  start({ title = COMPOSITION, url = this.server.url, application = {} }: Beginning = {}): DeviceTracker {
    const block = blockUnder(title);
    const code = block.code.replace("https://matrix.example.org", url);
    this.#constants = this.#run({ ...block, code }, application);
    return this.#constants.tracker as DeviceTracker;
  }

  /** A constant of the composition. */
  constant<T>(name: string): T {
    return this.#constants[name] as T;
  }

  /** Runs the end of the composition again: what an application does each time it sends. */
  sendAgain(): void {
    const block = blockUnder(COMPOSITION);
    const imports = block.code.slice(0, block.code.indexOf("\n\n"));
    const sending = block.code.slice(block.code.indexOf("// Each time you send"));
    this.#run({ ...block, code: `${imports}\n${sending}` }, this.#constants);
  }

  /** Runs another block, which continues the composition. Returns its constants. */
  recipe(title: string, application: Values = {}): Values {
    return this.#run(blockUnder(title), { ...this.#constants, ...application });
  }

  /** Answers the poll that is waiting. */
  async answerPoll(token: string, changed: readonly string[] = []): Promise<void> {
    const poll = await vi.waitFor(() => {
      if (this.#poll === undefined || this.#poll.aborted) throw new Error("no poll is waiting");
      return this.#poll;
    });
    this.#poll = undefined;
    poll.answer(200, poll.method === "POST" ? slidingResponse(token, changed) : syncResponse(token, changed));
  }

  get polls(): readonly SeenRequest[] {
    return this.server.requests.filter(({ path }) => path.endsWith("/sync"));
  }

  async stop(): Promise<void> {
    for (const tracker of this.#trackers) tracker.close();
    await this.server.stop();
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10 });
  }

  #run(block: Parameters<typeof run>[0], application: Values): Values {
    const constants = run(block, { ...this.#application(), ...application });
    if (constantsOf(block).includes("tracker")) this.#trackers.push(constants.tracker as DeviceTracker);
    return constants;
  }

  #application(): Values {
    const note =
      (what: string) =>
      (...values: readonly unknown[]) =>
        void this.lines.push([what, ...values.map(text)].join(" "));
    return {
      console: { log: note("log"), warn: note("warn"), error: note("error") },
      session: { userId: ALICE, deviceId: "ALICES", accessToken: TOKEN, refresh: () => Promise.resolve(TOKEN) },
      inbox: { save: () => Promise.resolve() },
      directory: join(this.#directory, "devices"),
      roomId: ROOM,
      outboundSession: OUTBOUND_SESSION,
      roomMembers: [BOB],
      show: note("show"),
      notify: note("notify"),
      showOffline: note("offline"),
      showLogin: note("login"),
    };
  }

  #respond(request: SeenRequest): void {
    const { path, headers, query } = request;
    if (!path.startsWith("/_matrix/")) request.answer(404, "<html>Not found</html>", { "content-type": "text/html" });
    else if (headers.authorization !== `Bearer ${this.token}`)
      request.answer(401, { errcode: "M_UNKNOWN_TOKEN", error: "Unknown token" });
    else if (path.endsWith("/account/whoami")) request.answer(200, { user_id: this.owner });
    else if (path.endsWith("/keys/query")) request.answer(200, keysResponse(request));
    else if (path.endsWith("/members")) request.answer(200, { chunk: [member(ALICE), member(BOB)] });
    else if (path.endsWith("simplified_msc3575/sync") && query.pos === undefined)
      request.answer(200, slidingResponse("p1"));
    else if (query.since === undefined && query.pos === undefined)
      request.answer(200, { ...syncResponse("s1"), rooms: { join: { [ROOM]: ENCRYPTED } } });
    else this.#poll = request;
  }
}

/** A new application for each test of the suite. */
export function applicationInTest(): () => Application {
  let application = new Application();
  beforeEach(async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    vi.stubGlobal("IDBKeyRange", IDBKeyRange);
    application = new Application();
    config.onUnhandledError = (error) => void application.unhandled.push(error);
    await application.server.start();
  });
  afterEach(async () => {
    await application.stop();
    config.onUnhandledError = null;
    vi.unstubAllGlobals();
  });
  return () => application;
}

const member = (userId: string) => ({ type: "m.room.member", state_key: userId, content: { membership: "join" } });
const ENCRYPTED = {
  state: {
    events: [
      { type: "m.room.create", state_key: "", content: {} },
      { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
      member(ALICE),
    ],
  },
};

/** Alice's device has it alone. */
const OUTBOUND_SESSION: SharedSession = {
  createdAt: Date.now(),
  messageCount: 1,
  sharedWith: [],
  stand: {
    algorithm: "m.megolm.v1.aes-sha2",
    historyVisibility: "shared",
    missedUntil: "s1", // where we joined
    departures: {},
    masterKeys: {},
  },
};

const syncResponse = (next_batch: string, changed: readonly string[] = []) => ({
  next_batch,
  to_device: { events: [{ type: next_batch }] },
  ...(changed.length > 0 && { device_lists: { changed } }),
});

const slidingResponse = (pos: string, changed: readonly string[] = []) => ({
  pos,
  extensions: { e2ee: { device_lists: { changed } } },
});

function keysResponse({ body }: SeenRequest) {
  const users = Object.keys((body as { device_keys: object }).device_keys);
  return { device_keys: Object.fromEntries(users.map((user) => [user, { PHONE: testDevice(user, "PHONE") }])) };
}

function text(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === "string" ? value : JSON.stringify(value);
}
