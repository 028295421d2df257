import { deviceKey, KEY_ALGORITHMS, type KeyAlgorithm } from "../../src/keys/device-key.js";
import { sameSigned } from "../../src/trust/device-list.js";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { DeviceUpdate } from "../../src/model/updates.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { names } from "./commands.js";
import type { Witness } from "./history.js";
import type { Saved, SavedList } from "./watched-records.js";

/** One list in the place of another, of which nobody has been told yet. */
interface Change {
  readonly user: UserId;
  readonly before: SavedList | undefined;
  readonly after: SavedList;
  readonly added: string;
  readonly removed: string;
  readonly same: boolean;
}

/** What is saved of keys, and must agree after every transaction: lists, pins, the index of keys; and what `deviceUpdates$` may tell of it. */
export class SavedKeys {
  readonly #history: Witness;
  #pins = new Map<UserId, ReadonlyMap<DeviceId, string>>();
  #lists = new Map<UserId, SavedList>();
  #changes: Change[] = [];
  readonly #told: Change[] = [];

  constructor(history: Witness) {
    this.#history = history;
  }

  /** The key that was first saved for a device. */
  pinned(user: UserId, deviceId: DeviceId): string | undefined {
    return this.#pins.get(user)?.get(deviceId);
  }

  updated({ pins, lists, claims }: Saved, put: readonly RecordKey[]): void {
    const history = this.#history;
    for (const [user, before] of this.#pins) {
      for (const [deviceId, key] of before)
        history.expect(
          pins.get(user)?.devices.get(deviceId) === key,
          "pins",
          () => `the key of ${deviceId} of ${names([user])} is no longer the one that was first saved`,
        );
    }
    this.#pins = new Map(Array.from(pins, ([user, { devices }]) => [user, devices]));
    for (const [user, { list }] of lists) {
      for (const [deviceId, device] of list.deviceKeys) {
        history.expect(
          this.pinned(user, deviceId) === deviceKey(device, "ed25519"),
          "pins",
          () => `${deviceId} of ${names([user])} is saved with another key than the one that is pinned`,
        );
      }
    }
    this.#checkIndex(lists, claims);
    for (const [kind, user] of put) {
      const after = kind === "list" ? lists.get(user) : undefined;
      if (after !== undefined) this.#changes.push(change(user, this.#lists.get(user), after));
    }
    this.#lists = new Map(lists);
  }

  cleared(): void {
    this.#pins.clear();
    this.#lists.clear();
    this.#changes = [];
  }

  /**
   * `deviceUpdates$` told this: it must have been saved, have changed something, and be told once. Changes may be told together: the first of them may have come with a save that was given up and took effect
   * all the same.
   * @param again whether it may be that another tab, which saved the same, has told it
   */
  told(update: DeviceUpdate, again = false): void {
    const { userId, added, removed, renamed, crossSigned, changed, refused, identity } = update;
    const is = () => `${names([userId])}: added ${added.join()} removed ${removed.join()}`;
    this.#history.expect(
      added.length + removed.length + renamed.length + crossSigned.length + changed.length + refused.size > 0 ||
        identity !== undefined,
      "deviceUpdates$",
      () => `${is()}, which is nothing`,
    );
    const theirs = [...(again ? this.#told : []), ...this.#changes].filter(({ user }) => user === userId);
    const together = theirs.flatMap((_, i) =>
      theirs.slice(0, theirs.length - i).map((__, from) => theirs.slice(from, from + i + 1)),
    ); // the shortest first
    const told = together.find(([first, ...others]) => {
      if (first === undefined) return false;
      const one = change(userId, first.before, (others.at(-1) ?? first).after);
      return one.added === sorted(added) && one.removed === sorted(removed) && !one.same;
    });
    this.#history.expect(told !== undefined, "deviceUpdates$", () => `${is()}, and no such change is saved`);
    this.#changes = this.#changes.filter((one) => told?.includes(one) !== true);
    this.#told.push(...(told ?? []));
  }

  /** Users of whose saved changes nobody was told. */
  get untold(): readonly UserId[] {
    return this.#changes.filter(({ added, removed }) => added !== "" || removed !== "").map(({ user }) => user);
  }

  /** Every key of a saved list has its claimant, and nobody else claims anything. */
  #checkIndex(lists: Saved["lists"], claims: Saved["claims"]): void {
    let claimed = 0;
    for (const [user, { list }] of lists) {
      for (const [deviceId, device] of list.deviceKeys) {
        for (const algorithm of KEY_ALGORITHMS) {
          const publicKey = deviceKey(device, algorithm);
          if (publicKey === undefined) continue;
          claimed++;
          const claimants = claims[algorithm].get(publicKey) ?? [];
          this.#history.expect(
            claimants.some((one) => one.userId === user && one.deviceId === deviceId),
            "findDevice",
            () => `the ${algorithm} key of ${deviceId} of ${names([user])} is saved, and not in the index`,
          );
        }
      }
    }
    const inIndex = KEY_ALGORITHMS.flatMap((algorithm) => [...claims[algorithm].values()]).flat().length;
    this.#history.expect(
      inIndex === claimed,
      "findDevice",
      () => `${inIndex} claims are in the index, and the saved lists make ${claimed}`,
    );
  }

  /** Who has this key, by the saved lists. */
  claimants(algorithm: KeyAlgorithm, publicKey: string): string {
    return sorted(
      Array.from(this.#lists).flatMap(([user, { list }]) =>
        [...list.deviceKeys].flatMap(([deviceId, device]) =>
          deviceKey(device, algorithm) === publicKey ? [`${user} ${deviceId}`] : [],
        ),
      ),
    );
  }
}

const sorted = (texts: readonly string[]): string => [...texts].sort().join();

function change(user: UserId, before: SavedList | undefined, saved: SavedList): Change {
  const { list: after } = saved;
  const old = before?.list.deviceKeys ?? new Map<DeviceId, never>();
  const added = [...after.deviceKeys.keys()].filter((deviceId) => !old.has(deviceId));
  const removed = [...old.keys()].filter((deviceId) => !after.deviceKeys.has(deviceId));
  const codes = (list: SavedList | undefined) =>
    sorted(Array.from(list?.list.rejected ?? [], ([deviceId, { code }]) => `${deviceId} ${code}`));
  const sameDevices = [...after.deviceKeys].every(([deviceId, device]) => {
    const was = old.get(deviceId);
    return was !== undefined && sameSigned(was, device);
  });
  return {
    user,
    before,
    after: saved,
    added: sorted(added),
    removed: sorted(removed),
    same:
      before !== undefined &&
      removed.length === 0 &&
      sameDevices &&
      codes(before) === codes({ list: after, revision: 0 }),
  };
}
