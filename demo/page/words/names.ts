import type { UserId } from "matrix-device-tracker";

/** A short name for a user ID: `bob` for `@bob:home.example`. */
export function shortName(userId: UserId): string {
  return userId.slice(1, Math.max(userId.indexOf(":"), 2));
}

/** A short name of at most `length` characters, for labels: the whole one is in their titles. */
export function briefName(userId: UserId, length: number): string {
  const name = shortName(userId);
  return name.length > length ? `${name.slice(0, length - 1)}…` : name;
}

/** The server name in a user ID. */
export function serverOf(userId: UserId): string {
  return userId.slice(userId.indexOf(":") + 1);
}

/** `alice, bob and carol`; the first few if there are many. */
export function nameThem(users: readonly UserId[]): string {
  const names =
    users.length > 4 ? [...users.slice(0, 3).map(shortName), `${users.length - 3} others`] : users.map(shortName);
  return names.length === 0 ? "no users" : together(names);
}

/** `this, that and those`. */
export function together(things: readonly string[]): string {
  return things.length < 2 ? things.join() : `${things.slice(0, -1).join(", ")} and ${things.at(-1)}`;
}

export const devices = (count: number): string => (count === 1 ? "1 device" : `${count} devices`);

export const people = (count: number): string => (count === 1 ? "1 person" : `${count} people`);
