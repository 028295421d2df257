import { defer, NEVER, of } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceKeysByUser, RejectionCode } from "../../src/model/results.js";
import type { DeviceKeys, KeysQueryResponse } from "../../src/model/wire.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { ME, MY_DEVICE } from "./person.js";
import { nameOfKeys, type DeviceVerdict, type UserVerdict, type Verdict } from "./verdict.js";

/** Our verdict, with the reasons for refused devices. */
export interface OurVerdict extends Verdict {
  readonly refused: ReadonlyMap<string, ReadonlyMap<string, RejectionCode>>;
  /** Users without all the cross-signing keys that are visible to us. */
  readonly incomplete: ReadonlySet<string>;
  /** Users whose identity is the pinned one. */
  readonly unchanged: ReadonlySet<string>;
  /** The ed25519 keys of the devices that are signed, by themselves or by their owner's pinned identity. */
  readonly signedKeys: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The public keys of the cross-signing keys, our user-signing key included. */
  readonly crossSigningKeys: ReadonlyMap<string, readonly string[]>;
}

/** A whole tracker with a synchronous store and a real verifier. */
export class OurSide {
  readonly #tracker: DeviceTracker;
  readonly #userIds: readonly string[];
  #text = "{}";

  constructor(userIds: readonly string[], unsignedDevices: "accept" | "refuse") {
    this.#userIds = userIds;
    this.#tracker = new DeviceTracker({
      userId: ME,
      sync$: NEVER,
      keysApi: { query: () => defer(() => of(JSON.parse(this.#text) as KeysQueryResponse)), changes: () => NEVER },
      verifier: nodeVerifier,
      unsignedDevices,
    });
    this.#tracker.track(userIds).subscribe();
  }

  judge(text: string): OurVerdict {
    this.#text = text;
    let lists: DeviceKeysByUser | undefined;
    let read = true;
    this.#tracker.getDeviceKeys(this.#userIds, { forceDownload: true }).subscribe({
      next: (value) => {
        lists = value;
      },
      error: () => {
        read = false;
      },
    });
    if (!read)
      this.#tracker.getKnownDeviceKeys(this.#userIds).subscribe((value) => {
        lists = value;
      });
    if (lists === undefined) throw new Error("the tracker did not emit synchronously");
    const users = new Map<string, UserVerdict>();
    const refused = new Map<string, ReadonlyMap<string, RejectionCode>>();
    const incomplete = new Set<string>();
    const unchanged = new Set<string>();
    const signedKeys = new Map<string, ReadonlyMap<string, string>>();
    const crossSigningKeys = new Map<string, readonly string[]>();
    for (const [
      userId,
      { deviceKeys, deviceStatus, lastKnown, rejected, identity, masterKey, selfSigningKey, userSigningKey },
    ] of lists) {
      const devices = new Map<string, DeviceVerdict>();
      const signed = new Map<string, string>();
      const used = deviceKeys.size === 0 && lastKnown !== undefined ? lastKnown : deviceKeys;
      for (const [deviceId, device] of used) {
        if (userId !== ME || deviceId !== MY_DEVICE)
          devices.set(deviceId, {
            ed25519: key(device, "ed25519"),
            curve25519: key(device, "curve25519"),
            crossSigned: deviceStatus.get(deviceId)?.crossSigned,
          });
        const { signedByItself = false, crossSigned = false } = deviceStatus.get(deviceId) ?? {};
        const ed25519 = key(device, "ed25519");
        if (ed25519 !== undefined && (signedByItself || (crossSigned && identity.state === "unchanged")))
          signed.set(deviceId, ed25519);
      }
      users.set(userId, {
        devices,
        master: identity.masterKey,
        selfSigning: selfSigningKey && nameOfKeys(selfSigningKey.keys),
      });
      signedKeys.set(userId, signed);
      crossSigningKeys.set(
        userId,
        [masterKey, selfSigningKey, userSigningKey].flatMap((one) => Object.values(one?.keys ?? {})),
      );
      if (identity.state === "unchanged") unchanged.add(userId);
      if (selfSigningKey === undefined || (userId === ME && userSigningKey === undefined)) incomplete.add(userId);
      refused.set(userId, new Map(Array.from(rejected, ([deviceId, { code }]) => [deviceId, code])));
    }
    return { read, users, refused, incomplete, unchanged, signedKeys, crossSigningKeys };
  }
}

const key = ({ keys, device_id: id }: DeviceKeys, algorithm: string): string | undefined =>
  Object.hasOwn(keys, `${algorithm}:${id}`) ? keys[`${algorithm}:${id}`] : undefined;
