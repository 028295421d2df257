import { quote } from "../keys/shape.js";
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
    this.#changed = this.#reportNew(this.#changed, changed, (deviceIds, names) => {
      const message =
        `the server shows ${names} of our own devices under other keys than before: they are refused; ` +
        "acknowledge a key only if it is that device's";
      return { type: "own-device-changed", deviceIds, message };
    });
    this.#unsigned = this.#reportNew(this.#unsigned, unsignedDevices(list), (deviceIds, names) => {
      const message =
        `${names} of our own devices are not signed by our identity: ` +
        "they are new logins that have not been verified, or the server has made them up";
      return { type: "own-device-unsigned", deviceIds, message };
    });
  }

  /** @returns the devices that are reported from now on */
  #reportNew(
    reported: ReadonlySet<DeviceId>,
    deviceIds: readonly DeviceId[],
    problem: (deviceIds: readonly DeviceId[], names: string) => TrackerProblem,
  ): ReadonlySet<DeviceId> {
    const added = deviceIds.filter((id) => !reported.has(id));
    if (added.length > 0) this.#report(problem(added, quoted(added)));
    return new Set(deviceIds);
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
  ids.slice(0, 3).map(quote).join(", ") + (ids.length > 3 ? ` and ${ids.length - 3} more` : "");
