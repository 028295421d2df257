import type {
  DeviceId,
  DeviceKeys,
  DeviceStatus,
  IdentityStatus,
  KeyEvent,
  RejectionReason,
  UserDeviceKeys,
  UserId,
} from "matrix-device-tracker";
import type { Standing } from "../events/standing.js";
import type { Claimant } from "../events/tracker-event.js";

/** What the page shows of one user. */
export interface Person {
  readonly userId: UserId;
  readonly own: boolean;
  readonly standing: Standing;
  readonly fetchedAt?: number;
  readonly devices: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly deviceStatus: ReadonlyMap<DeviceId, DeviceStatus>;
  readonly identity: IdentityStatus;
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  /** What became of their keys, the oldest event first. */
  readonly history: readonly KeyEvent[];
  /** Only of ourselves: the master key that another device of ours shows. */
  readonly phoneShows?: string;
  /** Devices whose curve25519 key other devices claim too, with these. */
  readonly contested: ReadonlyMap<DeviceId, readonly Claimant[]>;
  /** How the list differs from the previous one. */
  readonly added: ReadonlySet<DeviceId>;
  readonly removed: ReadonlyMap<DeviceId, DeviceKeys>;
}

export function unknownPerson(userId: UserId, own: boolean): Person {
  return {
    userId,
    own,
    standing: "unknown",
    devices: new Map(),
    deviceStatus: new Map(),
    identity: { state: "none", verified: false, wasVerified: false, collisions: [] },
    rejected: new Map(),
    history: [],
    contested: new Map(),
    added: new Set(),
    removed: new Map(),
  };
}

/** Applies a result, apart from its standing; returns the same person if there is nothing newer in it. */
export function withList(person: Person, result: UserDeviceKeys): Person {
  const { freshness, fetchedAt, deviceKeys, deviceStatus, identity, lastKnown, rejected } = result;
  const isFirst = person.fetchedAt === undefined;
  // The answer of a superseded query may arrive after that of its successor, so it never replaces a list.
  if (freshness === "superseded" && !isFirst) return person;
  // Nothing new is known of an unreachable user: the list stays as it was, with its age.
  if (freshness === "unreachable" && deviceKeys.size === 0 && (!isFirst || lastKnown === undefined)) return person;
  const devices = deviceKeys.size === 0 && lastKnown !== undefined ? lastKnown : deviceKeys;
  const isSame = devices.size === person.devices.size && [...devices.keys()].every((id) => person.devices.has(id));
  const difference = isSame
    ? {}
    : {
        added: new Set(isFirst ? [] : [...devices.keys()].filter((id) => !person.devices.has(id))),
        removed: new Map([...person.devices].filter(([id]) => !devices.has(id))),
      };
  return { ...person, ...difference, fetchedAt, devices, deviceStatus, identity, rejected };
}

/** Applies claims; returns the same person if none concerns them. */
export function withClaims(person: Person, all: readonly (readonly Claimant[])[]): Person {
  const theirs = all.flatMap((claimants) => {
    const own = claimants.filter(({ userId }) => userId === person.userId);
    return own.map((one) => [one.deviceId, claimants.filter((other) => other !== one)] as const);
  });
  return theirs.length === 0 && person.contested.size === 0 ? person : { ...person, contested: new Map(theirs) };
}
