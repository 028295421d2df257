import { defer, NEVER, of } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceKeysByUser, RejectionCode } from "../../src/model/results.js";
import type { CrossSigningKey, DeviceKeys, KeysQueryResponse } from "../../src/model/wire.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { ME, MY_DEVICE } from "./person.js";
import type { DeviceVerdict, UserVerdict, Verdict } from "./verdict.js";

/** Our verdict, with the reasons for refused devices. */
export interface OurVerdict extends Verdict {
  readonly refused: ReadonlyMap<string, ReadonlyMap<string, RejectionCode>>;
  /** Users without all the cross-signing keys that are visible to us. */
  readonly incomplete: ReadonlySet<string>;
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
    for (const [
      userId,
      { deviceKeys, deviceStatus, lastKnown, rejected, identity, selfSigningKey, userSigningKey },
    ] of lists) {
      const devices = new Map<string, DeviceVerdict>();
      const used = deviceKeys.size === 0 && lastKnown !== undefined ? lastKnown : deviceKeys;
      for (const [deviceId, device] of used) {
        if (userId !== ME || deviceId !== MY_DEVICE)
          devices.set(deviceId, {
            ed25519: key(device, "ed25519"),
            curve25519: key(device, "curve25519"),
            crossSigned: deviceStatus.get(deviceId)?.crossSigned,
          });
      }
      users.set(userId, {
        devices,
        master: identity.masterKey,
        selfSigning: selfSigningKey && firstKey(selfSigningKey),
      });
      if (selfSigningKey === undefined || (userId === ME && userSigningKey === undefined)) incomplete.add(userId);
      refused.set(userId, new Map(Array.from(rejected, ([deviceId, { code }]) => [deviceId, code])));
    }
    return { read, users, refused, incomplete };
  }
}

const key = ({ keys, device_id: id }: DeviceKeys, algorithm: string): string | undefined =>
  Object.hasOwn(keys, `${algorithm}:${id}`) ? keys[`${algorithm}:${id}`] : undefined;
const firstKey = ({ keys }: CrossSigningKey): string | undefined => Object.values(keys)[0];
