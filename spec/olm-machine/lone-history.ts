import { RequestType, type OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import { lastValueFrom } from "rxjs";
import { feedSync } from "../../src/olm-machine/feed-sync.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { engineInUse } from "../engines/engine-in-use.js";
import type { EngineModule } from "../engines/engine-module.js";
import { ManualTime } from "../support/manual-time.js";
import { signedAccount } from "../support/signed-account.js";
import { ALICE } from "../support/users.js";
import { USERS, type Event, type History } from "./histories.js";
import { settled } from "./settled.js";
import { Truth } from "./truth.js";

const ROOM = "!room:example.org";

/**
 * Lives through a history with a machine alone. Its requests are sent after each response, and sent again after the next
 * one if they failed; another part of the application looks up users with `queryKeysForUsers`. A gap is closed with
 * `/keys/changes`.
 */
export async function playAlone({ events }: History): Promise<readonly string[]> {
  const engine = await engineInUse();
  const machine = await engine.OlmMachine.initialize(new engine.UserId(ALICE), new engine.DeviceId("OURS"));
  try {
    const world = new LoneWorld(engine, machine);
    await world.begin();
    for (const event of events) await world.live(event);
    return await world.end();
  } finally {
    machine.close();
  }
}

class LoneWorld {
  readonly #time = new ManualTime();
  readonly #homeserver = new ScriptedHomeserver({ scheduler: this.#time, answerAfter: 5 });
  readonly #engine: EngineModule;
  readonly #machine: OlmMachine;
  readonly #feed;
  readonly #truth = new Truth();
  #token = "s0";
  #logins = 0;

  constructor(engine: EngineModule, machine: OlmMachine) {
    this.#engine = engine;
    this.#machine = machine;
    this.#feed = feedSync(machine, engine);
  }

  async begin(): Promise<void> {
    this.#homeserver.announcesStrangers = false;
    this.#homeserver.room(ROOM).join(ALICE, ...USERS);
    await this.#machine.updateTrackedUsers(USERS.map((userId) => new this.#engine.UserId(userId)));
    await this.#step();
  }

  async live(event: Event): Promise<void> {
    const server = this.#homeserver;
    switch (event.type) {
      case "login": {
        const deviceId = `D${++this.#logins}`;
        server.addDevice(event.userId, deviceId, signedAccount(event.userId).device(deviceId));
        this.#changed(event.userId);
        break;
      }
      case "logout": {
        const devices = [...server.devicesOf(event.userId).keys()];
        const deviceId = devices[event.at % devices.length];
        if (deviceId !== undefined) server.removeDevice(event.userId, deviceId);
        this.#changed(event.userId);
        break;
      }
      case "leave":
        server.room(ROOM).leave(event.userId);
        break;
      case "join":
        server.room(ROOM).join(event.userId);
        break;
      case "look-up":
        if ("queryKeysForUsers" in this.#machine)
          this.#send(this.#machine.queryKeysForUsers([new this.#engine.UserId(event.userId)]));
        break;
      case "step":
        await this.#step();
        break;
      case "lost-step":
        server.respond();
        break;
      case "fail-query":
        server.failNext(new Error("connection refused"));
        break;
      case "server-fails":
        server.unreachable.add("example.org");
        break;
      case "server-works":
        server.unreachable.clear();
        break;
      case "answer-after":
        Object.assign(server, { answerAfter: event.ms, looksAt: event.looksAt });
        break;
      case "elapse":
        await this.#elapse(event.ms);
        break;
      case "reset":
      case "track":
      case "other-caller":
      case "serve-again":
      case "restart":
        break; // nothing that a machine alone could get wrong
    }
    await this.#look();
  }

  async end(): Promise<readonly string[]> {
    this.#homeserver.unreachable.clear();
    for (let i = 0; i < 3; i++) {
      await this.#step();
      await this.#elapse(30);
    }
    const faults = [...this.#truth.faults];
    for (const userId of USERS) {
      if (!this.#homeserver.rooms.isShared(userId)) continue;
      const list = (await this.#devicesOf(userId)).join(" ");
      const truth = this.#truth.current(userId);
      if (list !== truth) faults.push(`${userId}: "${list}" at the end, not "${truth}"`);
    }
    return faults;
  }

  async #step(): Promise<void> {
    const response = this.#homeserver.respond();
    const { since, next_batch: next } = response;
    const lists =
      since === this.#token || since === undefined
        ? response.device_lists
        : await lastValueFrom(this.#homeserver.keysApi.changes({ from: this.#token, to: next }));
    this.#token = next;
    await this.#feed.save({ ...response, ...(lists && { device_lists: lists }) });
    for (const request of await this.#machine.outgoingRequests())
      if (request.type === RequestType.KeysQuery) this.#send(request as { id: string; body: string });
    await settled();
  }

  #send({ id, body }: { readonly id: string; readonly body: string }): void {
    this.#homeserver.keysApi.query(JSON.parse(body) as never).subscribe({
      next: (answer) => {
        const { device_keys: lists } = answer;
        // Some servers leave out users without devices; theirs are empty.
        const asked = Object.keys((JSON.parse(body) as { device_keys: object }).device_keys);
        const empty = Object.keys(answer.failures ?? {}).length > 0 ? [] : asked.map((userId) => [userId, {}] as const);
        const complete = { ...answer, device_keys: { ...Object.fromEntries(empty), ...lists } };
        void this.#machine.markRequestAsSent(id, RequestType.KeysQuery, JSON.stringify(complete));
      },
      error: () => {},
    });
  }

  async #elapse(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      this.#time.advance(1);
      await settled();
      await this.#look();
    }
  }

  async #devicesOf(userId: string): Promise<readonly string[]> {
    const devices = await this.#machine.getUserDevices(new this.#engine.UserId(userId));
    return Array.from(devices.devices(), ({ deviceId }) => deviceId.toString()).sort();
  }

  async #look(): Promise<void> {
    for (const userId of USERS) this.#truth.sees(userId, await this.#devicesOf(userId));
  }

  #changed(userId: string): void {
    this.#truth.changed(userId, this.#homeserver.devicesOf(userId).keys());
  }
}
