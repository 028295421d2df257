import { expect } from "vitest";
import type { EngineModule } from "../engines/engine-module.js";
import { EngineDevice, type SentMessage } from "./engine-device.js";
import { Person } from "./person.js";
import type { Synapse } from "./synapse.js";

export const SOON = { timeout: 8_000, interval: 50 };

/** Two people in an encrypted room, and their devices with engines that a tracker serves. */
export class Conversation {
  readonly alice: Person;
  readonly bob: Person;
  readonly #room: string;
  readonly #opened: EngineDevice[] = [];
  /** Those that are logged in. */
  readonly #there = new Set<EngineDevice>();

  private constructor(alice: Person, bob: Person, room: string) {
    this.alice = alice;
    this.bob = bob;
    this.#room = room;
  }

  static async begin({ url, serverName }: Synapse): Promise<Conversation> {
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    const room = await alice.createEncryptedRoom();
    await bob.join(room, serverName);
    return new Conversation(alice, bob, room);
  }

  get room(): string {
    return this.#room;
  }

  get members(): readonly string[] {
    return [this.alice.userId, this.bob.userId];
  }

  /** What failed in the devices. */
  get faults(): readonly unknown[] {
    return this.#opened.flatMap(({ faults }) => faults);
  }

  async logIn(person: Person, engine?: EngineModule): Promise<EngineDevice> {
    const device = await EngineDevice.logIn(person, this.members, engine);
    this.#opened.push(device);
    this.#there.add(device);
    return device;
  }

  /** @param whileClosed what happens in between */
  async restart(device: EngineDevice, whileClosed: () => Promise<void>): Promise<EngineDevice> {
    device.close();
    await whileClosed();
    const restarted = await device.restarted();
    this.#opened.push(restarted);
    this.#there.delete(device);
    this.#there.add(restarted);
    return restarted;
  }

  async logOut(device: EngineDevice): Promise<void> {
    await device.logOut();
    this.#there.delete(device);
  }

  /** Each device that is there can read the message. */
  async isReadByAll(sender: EngineDevice, text: string): Promise<SentMessage> {
    await this.#knowsAll(sender);
    const sent = await sender.say(this.#room, this.members, text);
    for (const device of this.#there) await expect.poll(() => device.read(sent), SOON).toBe(text);
    return sent;
  }

  close(): void {
    for (const device of this.#opened) device.close();
  }

  async #knowsAll(device: EngineDevice): Promise<void> {
    for (const userId of this.members)
      await expect.poll(() => device.devicesOf(userId), SOON).toEqual(this.#namesOf(userId));
    await expect.poll(() => device.isUpToDate(), SOON).toBe(true);
  }

  #namesOf(userId: string): readonly string[] {
    return Array.from(this.#there, ({ name }) => name)
      .filter((name) => name.startsWith(`${userId} `))
      .sort();
  }
}
