import {
  DeviceId,
  EncryptionSettings,
  HistoryVisibility,
  LocalTrust,
  OlmMachine,
  RequestType,
  RoomId,
  UserId,
  type OtherUserIdentity,
  type OwnUserIdentity,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { JsonObject } from "./json.js";
import { write } from "./json.js";
import { ME, MY_DEVICE } from "./person.js";
import { ROOM, uploadedDevice, type RoomScene } from "./room-scene.js";
import { POLICIES } from "./sharing-policies.js";

const VISIBILITIES = {
  invited: HistoryVisibility.Invited,
  joined: HistoryVisibility.Joined,
  shared: HistoryVisibility.Shared,
  world_readable: HistoryVisibility.WorldReadable,
} as const;

/** What they have sent for one message, or why they have not. */
export interface TheirShare {
  readonly sessionId: string;
  /** Users and devices that were given the session, such as `@bob:example.org PHONE`. */
  readonly given: readonly string[];
  readonly withheld: ReadonlyMap<string, string>;
}

/** An `OlmMachine` that sends to the room. Other devices are only keys: nothing of what they are sent is decrypted. */
export class TheirSharing {
  readonly #machine: OlmMachine;
  /** Our device, as it is uploaded. */
  readonly sendingDevice: JsonObject;
  /** What was looked up, by user. */
  readonly #revisions = new Map<string, number>();
  readonly #blocked = new Set<string>();

  private constructor(machine: OlmMachine, sendingDevice: JsonObject) {
    this.#machine = machine;
    this.sendingDevice = sendingDevice;
  }

  static async open(): Promise<TheirSharing> {
    const machine = await OlmMachine.initialize(new UserId(ME), new DeviceId(MY_DEVICE));
    const { id, body } = await outgoing(machine, RequestType.KeysUpload);
    await machine.markRequestAsSent(id, RequestType.KeysUpload, '{"one_time_key_counts":{"signed_curve25519":50}}');
    return new TheirSharing(machine, uploadedDevice(body));
  }

  /** A person verifies our own identity on this device. */
  async verifyOurselves(scene: RoomScene): Promise<void> {
    // The machine's own request: as long as it is open, lists without devices are waited for.
    const { id } = await outgoing(this.#machine, RequestType.KeysQuery);
    await this.#machine.markRequestAsSent(id, RequestType.KeysQuery, write(scene.keysOf([ME])));
    await ((await this.#machine.getIdentity(new UserId(ME))) as OwnUserIdentity).verify();
  }

  /** @throws Error if the strategy forbids to send at all */
  async share(scene: RoomScene): Promise<TheirShare> {
    const { readers, visibility, settings } = scene;
    await this.#query(scene, [...new Set([ME, ...readers])]);
    await this.#block(scene);
    await this.#claim(scene);
    const encryption = new EncryptionSettings();
    encryption.historyVisibility = VISIBILITIES[visibility];
    encryption.rotationPeriod = BigInt(settings.periodMs) * 1_000n;
    encryption.rotationPeriodMessages = BigInt(settings.messages);
    encryption.sharingStrategy = POLICIES[scene.policy].theirs();
    const requests = await this.#machine.shareRoomKey(
      new RoomId(ROOM),
      readers.map((userId) => new UserId(userId)),
      encryption,
    );
    const given: string[] = [];
    const withheld = new Map<string, string>();
    for (const { id, type, body, event_type: eventType } of requests) {
      const { messages } = JSON.parse(body) as { messages: Record<string, Record<string, { code?: string }>> };
      for (const [userId, devices] of Object.entries(messages)) {
        for (const [deviceId, { code = "" }] of Object.entries(devices)) {
          if (eventType === "m.room.encrypted") given.push(`${userId} ${deviceId}`);
          else withheld.set(`${userId} ${deviceId}`, code);
        }
      }
      await this.#machine.markRequestAsSent(id, type, "{}");
    }
    const content = await this.#machine.encryptRoomEvent(new RoomId(ROOM), "m.room.message", '{"body":"hello"}');
    const { session_id: sessionId } = JSON.parse(content) as { session_id: string };
    return { sessionId, given, withheld };
  }

  async discardSession(): Promise<void> {
    await this.#machine.invalidateGroupSession(new RoomId(ROOM));
  }

  async acknowledge(scene: RoomScene, userId: string): Promise<void> {
    await this.#query(scene, [userId]);
    await (await this.#other(userId))?.pinCurrentMasterKey();
  }

  async withdrawVerification(scene: RoomScene, userId: string): Promise<void> {
    await this.#query(scene, [userId]);
    await (await this.#other(userId))?.withdrawVerification();
  }

  close(): void {
    this.#machine.close();
  }

  async #query(scene: RoomScene, users: readonly string[]): Promise<void> {
    const userIds = users.filter((userId) => this.#revisions.get(userId) !== scene.revisionOf(userId));
    if (userIds.length === 0) return;
    for (const userId of userIds) this.#revisions.set(userId, scene.revisionOf(userId));
    const { id } = this.#machine.queryKeysForUsers(userIds.map((userId) => new UserId(userId)));
    await this.#machine.markRequestAsSent(id, RequestType.KeysQuery, write(scene.keysOf(userIds)));
  }

  async #claim(scene: RoomScene): Promise<void> {
    const request = await this.#machine.getMissingSessions(scene.readers.map((userId) => new UserId(userId)));
    if (request)
      await this.#machine.markRequestAsSent(request.id, request.type, write(scene.claim(JSON.parse(request.body))));
  }

  async #block(scene: RoomScene): Promise<void> {
    const wanted = new Map(scene.blocked.map((device) => [`${device.userId} ${device.deviceId}`, device]));
    for (const name of new Set([...wanted.keys(), ...this.#blocked])) {
      if (wanted.has(name) === this.#blocked.has(name)) continue;
      const [userId = "", deviceId = ""] = name.split(" ");
      const device = await this.#machine.getDevice(new UserId(userId), new DeviceId(deviceId));
      if (device === undefined) continue; // its list was not looked up yet, or it is gone
      await device.setLocalTrust(wanted.has(name) ? LocalTrust.BlackListed : LocalTrust.Unset);
      if (wanted.has(name)) this.#blocked.add(name);
      else this.#blocked.delete(name);
    }
  }

  async #other(userId: string): Promise<OtherUserIdentity | undefined> {
    return (await this.#machine.getIdentity(new UserId(userId))) as OtherUserIdentity | undefined;
  }
}

async function outgoing(
  machine: OlmMachine,
  wanted: RequestType.KeysUpload | RequestType.KeysQuery,
): Promise<{ readonly id: string; readonly body: string }> {
  for (const { id, type, body } of await machine.outgoingRequests())
    if (type === wanted && id !== undefined) return { id, body };
  throw new Error(`no request of type ${RequestType[wanted]}`);
}
