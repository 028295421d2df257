import type { TrackerProblem } from "../model/problems.js";
import type { DeviceList } from "../trust/device-list.js";
import { identityStatus } from "../trust/identity.js";

/** Reports that our own identity changed: once for each master key, and again if the pinned one was back in between. */
export class OwnIdentityWatch {
  readonly #report: (problem: TrackerProblem) => void;
  #reported: string | undefined;

  constructor(report: (problem: TrackerProblem) => void) {
    this.#report = report;
  }

  /** Looks at our own list, saved or not. */
  look({ identity }: DeviceList): void {
    const { state, masterKey, pinnedMasterKey } = identityStatus(identity, undefined);
    if (state === "unchanged") this.#reported = undefined;
    if (state !== "changed" || masterKey === undefined || pinnedMasterKey === undefined || masterKey === this.#reported)
      return;
    this.#reported = masterKey;
    const message = `the server says that our own master key is ${masterKey}, but it was ${pinnedMasterKey}: acknowledge it only if you reset your identity yourself`;
    this.#report({ type: "own-identity-changed", masterKey, pinnedMasterKey, message });
  }
}
