import type {
  DeviceId,
  DeviceKeys,
  DeviceStatus,
  Freshness,
  IdentityStatus,
  RejectionReason,
  UserDeviceKeys,
  UserId,
} from "matrix-device-tracker";
import type { Claimant, TimedEvent } from "../events/tracker-event.js";

/** What the page shows of one user. */
export interface Person {
  readonly userId: UserId;
  readonly own: boolean;
  readonly standing: Freshness | "unknown";
  readonly fetchedAt?: number;
  readonly devices: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly deviceStatus: ReadonlyMap<DeviceId, DeviceStatus>;
  readonly identity: IdentityStatus;
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  /** Devices whose curve25519 key other devices claim too, with these. */
  readonly contested: ReadonlyMap<DeviceId, readonly Claimant[]>;
  /** How the list differs from the previous one. */
  readonly added: ReadonlySet<DeviceId>;
  readonly removed: ReadonlyMap<DeviceId, DeviceKeys>;
}

export type Roster = ReadonlyMap<UserId, Person>;

export function emptyRoster(users: readonly UserId[], own: UserId): Roster {
  const unknown: Omit<Person, "userId" | "own"> = {
    standing: "unknown",
    devices: new Map(),
    deviceStatus: new Map(),
    identity: { state: "none", verified: false },
    rejected: new Map(),
    contested: new Map(),
    added: new Set(),
    removed: new Map(),
  };
  return new Map(users.map((userId) => [userId, { ...unknown, userId, own: userId === own }]));
}

/** Applies an event; returns the same roster if nothing in it changed. */
export function reduceRoster(roster: Roster, event: TimedEvent): Roster {
  switch (event.type) {
    case "announced": {
      const left = restand(roster, event.left, "untracked");
      return restand(left, event.changed, "outdated");
    }
    case "call-answered":
    case "known": {
      const shown = [...event.result].flatMap(([userId, result]) => {
        const person = roster.get(userId);
        const next = person && show(person, result);
        return next === undefined || next === person ? [] : [[userId, next] as const];
      });
      return shown.length === 0 ? roster : new Map([...roster, ...shown]);
    }
    case "claimed":
      return new Map(Array.from(roster, ([userId, person]) => [userId, contest(person, event.contested)]));
    default:
      return roster;
  }
}

/** What a lookup of all users would return, as far as the page knows. */
export function lookUpOf(roster: Roster): ReadonlyMap<UserId, UserDeviceKeys> {
  return new Map(
    Array.from(roster.values()).flatMap(
      ({ userId, standing, fetchedAt, devices: deviceKeys, deviceStatus, identity, rejected }) =>
        standing === "unknown" || fetchedAt === undefined
          ? []
          : [[userId, { deviceKeys, deviceStatus, identity, rejected, freshness: standing, fetchedAt }] as const],
    ),
  );
}

function restand(roster: Roster, users: readonly UserId[], standing: Freshness): Roster {
  const next = users.flatMap((userId) => {
    const person = roster.get(userId);
    // Our own user stays tracked.
    return person === undefined || (standing === "untracked" && person.own)
      ? []
      : [[userId, { ...person, standing }] as const];
  });
  return next.length === 0 ? roster : new Map([...roster, ...next]);
}

function show(
  person: Person,
  { freshness, fetchedAt, deviceKeys, deviceStatus, identity, lastKnown, rejected }: UserDeviceKeys,
): Person {
  // The answer of a superseded query may arrive after that of its successor, so it never replaces a list.
  if (freshness === "superseded" && person.fetchedAt !== undefined) return person;
  // Nothing new is known of an unreachable user: the list stays as it was, with its age.
  if (
    freshness === "unreachable" &&
    deviceKeys.size === 0 &&
    (person.fetchedAt !== undefined || lastKnown === undefined)
  )
    return { ...person, standing: freshness };
  const devices = deviceKeys.size === 0 && lastKnown !== undefined ? lastKnown : deviceKeys;
  const isSame = devices.size === person.devices.size && [...devices.keys()].every((id) => person.devices.has(id));
  const isFirst = person.fetchedAt === undefined;
  const difference = isSame
    ? {}
    : {
        added: new Set(isFirst ? [] : [...devices.keys()].filter((id) => !person.devices.has(id))),
        removed: new Map([...person.devices].filter(([id]) => !devices.has(id))),
      };
  return { ...person, ...difference, standing: freshness, fetchedAt, devices, deviceStatus, identity, rejected };
}

/** Applies claims; returns the same person if none concerns them. */
function contest(person: Person, all: readonly (readonly Claimant[])[]): Person {
  const theirs = all.flatMap((claimants) => {
    const own = claimants.filter(({ userId }) => userId === person.userId);
    return own.map((one) => [one.deviceId, claimants.filter((other) => other !== one)] as const);
  });
  return theirs.length === 0 && person.contested.size === 0 ? person : { ...person, contested: new Map(theirs) };
}
