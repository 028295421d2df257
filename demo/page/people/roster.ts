import { keysDigest, type UserDeviceKeys, type UserId } from "matrix-device-tracker";
import { changedStandings } from "../events/standing.js";
import type { TimedEvent } from "../events/tracker-event.js";
import { unknownPerson, withClaims, withList, type Person } from "./person.js";

/** Everyone on the page. */
export type Roster = ReadonlyMap<UserId, Person>;

/** @param phoneShows the master key that another device of ours shows, if the page can know */
export function emptyRoster(users: readonly UserId[], own: UserId, phoneShows?: string): Roster {
  const ofOurs = phoneShows === undefined ? {} : { phoneShows };
  return new Map(
    users.map((userId) => {
      const person = unknownPerson(userId, userId === own);
      return [userId, userId === own ? { ...person, ...ofOurs } : person];
    }),
  );
}

/** Applies an event; returns the same roster if nothing in it changed. */
export function reduceRoster(roster: Roster, event: TimedEvent): Roster {
  return restand(withNews(roster, event), event);
}

function withNews(roster: Roster, event: TimedEvent): Roster {
  switch (event.type) {
    case "call-answered":
    case "known":
      return update(roster, (person) => {
        const result = event.result.get(person.userId);
        return result === undefined ? person : withList(person, result);
      });
    case "claimed":
      return update(roster, (person) => withClaims(person, event.contested));
    case "history":
      return update(roster, (person) =>
        person.userId === event.userId ? { ...person, history: event.history } : person,
      );
    default:
      return roster;
  }
}

function restand(roster: Roster, event: TimedEvent): Roster {
  const before = new Map(Array.from(roster.values(), ({ userId, standing }) => [userId, standing]));
  const own = [...roster.values()].find((person) => person.own)?.userId ?? "";
  const changed = changedStandings(event, before, own);
  return update(roster, (person) => {
    const standing = changed.get(person.userId);
    return standing === undefined ? person : { ...person, standing };
  });
}

/** The same roster if each person stays the same. */
function update(roster: Roster, change: (person: Person) => Person): Roster {
  const next = new Map(Array.from(roster, ([userId, person]) => [userId, change(person)]));
  return [...next].every(([userId, person]) => roster.get(userId) === person) ? roster : next;
}

/** What a lookup of all users would return, as far as the page knows. */
export function lookUpOf(roster: Roster): ReadonlyMap<UserId, UserDeviceKeys> {
  return new Map(
    Array.from(roster.values()).flatMap(
      ({ userId, standing, fetchedAt, devices: deviceKeys, deviceStatus, identity, rejected }) =>
        standing === "unknown" || fetchedAt === undefined
          ? []
          : [
              [
                userId,
                {
                  deviceKeys,
                  deviceStatus,
                  identity,
                  rejected,
                  freshness: standing,
                  fetchedAt,
                  digest: keysDigest({ deviceKeys, identity }),
                },
              ] as const,
            ],
    ),
  );
}
