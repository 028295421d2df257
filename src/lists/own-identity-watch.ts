import type { DeviceId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceList } from "../trust/device-list.js";
import { identityStatus } from "../trust/identity.js";

/** Inspects our own list, saved or not, and reports suspicious changes to it: once, until they are undone. */
export class OwnIdentityWatch {
  readonly #report: (problem: TrackerProblem) => void;
  /** The master key that was reported; `null` if it was reported as removed. */
  #reported: string | null | undefined;
  #changed: ReadonlySet<DeviceId> = new Set();
  #unsigned: ReadonlySet<DeviceId> = new Set();

  constructor(report: (problem: TrackerProblem) => void) {
    this.#report = report;
  }

  look(list: DeviceList): void {
    this.#lookAtIdentity(list);
    const changed = Array.from(list.rejected).flatMap(([id, { code }]) => (code === "key-changed" ? [id] : []));
    const newlyChanged = changed.filter((id) => !this.#changed.has(id));
    if (newlyChanged.length > 0) {
      const message =
        `the server shows ${quoted(newlyChanged)} of our own devices under other keys than before: ` +
        "they are refused; acknowledge a key only if it is that device's";
      this.#report({ type: "own-device-changed", deviceIds: newlyChanged, message });
    }
    this.#changed = new Set(changed);
    const unsigned = unsignedDevices(list);
    const newlyUnsigned = unsigned.filter((id) => !this.#unsigned.has(id));
    if (newlyUnsigned.length > 0) {
      const message =
        `${quoted(newlyUnsigned)} of our own devices are not signed by our identity: ` +
        "they are new logins that have not been verified, or the server has made them up";
      this.#report({ type: "own-device-unsigned", deviceIds: newlyUnsigned, message });
    }
    this.#unsigned = new Set(unsigned);
  }

  #lookAtIdentity({ identity }: DeviceList): void {
    const { state, masterKey, pinnedMasterKey } = identityStatus(identity, undefined);
    if (state === "unchanged") this.#reported = undefined;
    if (pinnedMasterKey === undefined) return;
    if (state === "changed" && masterKey !== undefined && masterKey !== this.#reported) {
      this.#reported = masterKey;
      const message =
        `the server says that our own master key is ${masterKey}, but it was ${pinnedMasterKey}: ` +
        "acknowledge it only if you reset your identity yourself";
      this.#report({ type: "own-identity-changed", masterKey, pinnedMasterKey, message });
    } else if (state === "removed" && this.#reported !== null) {
      this.#reported = null;
      const message =
        `the server says that we have no master key any more, but it was ${pinnedMasterKey}: ` +
        "as long as it is gone, no user can be verified";
      this.#report({ type: "own-identity-removed", pinnedMasterKey, message });
    }
  }
}

/**
 * Returns devices that our own identity should have signed, if it is confirmed: each of our devices is verified by
 * another.
 */
function unsignedDevices({ deviceStatus, identity }: DeviceList): readonly DeviceId[] {
  if (identity.confirmed !== true) return [];
  return Array.from(deviceStatus).flatMap(([id, { crossSigned }]) => (crossSigned ? [] : [id]));
}

const quoted = (ids: readonly DeviceId[]): string =>
  `${ids
    .slice(0, 3)
    .map((id) => JSON.stringify(id.slice(0, 80)))
    .join(", ")}${ids.length > 3 ? ` and ${ids.length - 3} more` : ""}`;
