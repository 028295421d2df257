import { asyncScheduler, defer, firstValueFrom, of } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { EncryptedRooms } from "../../src/rooms/encrypted-rooms.js";
import { SendForbiddenError } from "../../src/rooms/errors.js";
import type { RoomRecipients } from "../../src/rooms/room-recipients.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { write } from "./json.js";
import { ME, MY_DEVICE } from "./person.js";
import { ROOM, type RoomScene } from "./room-scene.js";
import { POLICIES } from "./sharing-policies.js";

/** A tracker with the room, on the sync responses of the scene. */
export class OurSharing {
  readonly #scene: RoomScene;
  readonly #tracker: DeviceTracker;
  readonly #rooms: EncryptedRooms;

  constructor(scene: RoomScene) {
    const { homeserver } = scene;
    const { membersApi, sync$ } = homeserver;
    this.#scene = scene;
    this.#rooms = new EncryptedRooms({ membersApi, lazyLoadMembers: false });
    this.#tracker = new DeviceTracker({
      userId: ME,
      sync$,
      keysApi: {
        query: ({ device_keys: wanted }) =>
          defer(() => of(JSON.parse(write(scene.keysOf(Object.keys(wanted)))) as KeysQueryResponse)),
        changes: (range) => homeserver.keysApi.changes(range),
      },
      scheduler: asyncScheduler,
      verifier: nodeVerifier,
      ownMasterKey: scene.me.masterKey,
      extensions: [this.#rooms],
    });
    this.#tracker.connect();
    homeserver.step(null);
  }

  /** `undefined` if the policy forbids to send at all. */
  async recipients(): Promise<RoomRecipients | undefined> {
    const { policy, blocked } = this.#scene;
    const { ours } = POLICIES[policy];
    const ownDevice = { userId: ME, deviceId: MY_DEVICE };
    try {
      return await firstValueFrom(this.#rooms.recipients(ROOM, { ...ours, blocked, ownDevice }));
    } catch (error) {
      if (error instanceof SendForbiddenError) return undefined;
      throw error;
    }
  }

  async acknowledge(userId: string): Promise<void> {
    const masterKey = await this.#lookUp(userId);
    await firstValueFrom(this.#tracker.acknowledgeIdentity(userId, masterKey), { defaultValue: undefined });
  }

  async withdrawVerification(userId: string): Promise<void> {
    await this.#lookUp(userId);
    await firstValueFrom(this.#tracker.withdrawVerification(userId), { defaultValue: undefined });
  }

  close(): void {
    this.#tracker.close();
  }

  async #lookUp(userId: string): Promise<string | undefined> {
    const lists = await firstValueFrom(this.#tracker.getDeviceKeys([userId], { forceDownload: true }));
    return lists.get(userId)?.identity.masterKey;
  }
}
