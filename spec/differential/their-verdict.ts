import { DeviceId, initAsync, OlmMachine, RequestType, UserId, type Device } from "@matrix-org/matrix-sdk-crypto-wasm";
import { ME, MY_DEVICE } from "./person.js";
import { nameOfKeys, type DeviceVerdict, type UserVerdict, type Verdict } from "./verdict.js";

export const loadTheirs = (): Promise<void> => initAsync();

/**
 * An `OlmMachine` with its store in memory. All handles are freed at once, because the garbage collector does not know
 * their memory.
 */
export class TheirSide {
  readonly #machine: OlmMachine;
  readonly #userIds: readonly string[];

  private constructor(machine: OlmMachine, userIds: readonly string[]) {
    this.#machine = machine;
    this.#userIds = userIds;
  }

  static async open(userIds: readonly string[]): Promise<TheirSide> {
    return new TheirSide(await OlmMachine.initialize(new UserId(ME), new DeviceId(MY_DEVICE)), userIds);
  }

  async judge(text: string): Promise<Verdict> {
    const request = this.#machine.queryKeysForUsers(this.#userIds.map((userId) => new UserId(userId)));
    const { id } = request;
    request.free();
    const read = await this.#read(id, text);
    const users = new Map<string, UserVerdict>();
    for (const userId of this.#userIds)
      users.set(userId, { devices: await this.#devices(userId), ...(await this.#identity(userId)) });
    return { read, users };
  }

  async #read(requestId: string, text: string): Promise<boolean> {
    try {
      await this.#machine.markRequestAsSent(requestId, RequestType.KeysQuery, text);
      return true;
    } catch {
      return false;
    }
  }

  async #devices(userId: string): Promise<ReadonlyMap<string, DeviceVerdict>> {
    const devices = new Map<string, DeviceVerdict>();
    const id = new UserId(userId);
    const list = await this.#machine.getUserDevices(id);
    for (const device of list.devices()) {
      const deviceId = take(device.deviceId, "toString");
      if (userId !== ME || deviceId !== MY_DEVICE) devices.set(deviceId, verdictOf(device));
      device.free();
    }
    list.free();
    id.free();
    return devices;
  }

  async #identity(userId: string): Promise<Omit<UserVerdict, "devices">> {
    const id = new UserId(userId);
    const identity = await this.#machine.getIdentity(id);
    id.free();
    if (identity === undefined) return { master: undefined, selfSigning: undefined };
    const { masterKey, selfSigningKey } = identity;
    identity.free();
    return { master: nameOf(masterKey), selfSigning: nameOf(selfSigningKey) };
  }

  close(): void {
    this.#machine.close();
  }
}

function verdictOf(device: Device): DeviceVerdict {
  const { ed25519Key, curve25519Key } = device;
  return {
    ed25519: ed25519Key && take(ed25519Key, "toBase64"),
    curve25519: curve25519Key && take(curve25519Key, "toBase64"),
    crossSigned: device.isCrossSignedByOwner(),
  };
}

function take<M extends string>(handle: { readonly [K in M]: () => string } & { free: () => void }, method: M): string {
  const text = handle[method]();
  handle.free();
  return text;
}

const nameOf = (json: string): string | undefined =>
  nameOfKeys((JSON.parse(json) as { keys: Record<string, string> }).keys);
