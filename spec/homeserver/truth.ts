import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { Freshness } from "../../src/model/results.js";

/** The life of a device, as its own client knows it. All times are those of `performance.now()`. */
export interface DeviceLife {
  readonly deviceId: DeviceId;
  /** Its ed25519 key. */
  readonly key: string;
  readonly uploadBegan: number;
  /** When the server had confirmed the upload. */
  uploaded?: number;
  logoutBegan?: number;
  loggedOut?: number;
}

/** What the application under test was given, and what it was shown, in order. */
export type Seen =
  | {
      readonly type: "applied";
      readonly at: number;
      /** When the poll was sent that brought this step. */
      readonly polledAt: number;
      readonly changed: readonly UserId[];
      readonly left: readonly UserId[];
    }
  | { readonly type: "queried"; readonly at: number; readonly users: readonly UserId[] }
  | {
      /** A list was emitted, or is still shown after a step. */
      readonly type: "shown";
      readonly at: number;
      readonly userId: UserId;
      readonly freshness: Freshness;
      /** The ed25519 keys of the devices. */
      readonly keys: readonly string[];
    };

/**
 * What is wrong with the lists of a user that were shown as `current`:
 *
 * 1. Each must be as new as what the tracker had been given: all changes before the last poll was sent, and, if a step
 *    named the user, all changes before it was applied.
 * 2. After a step that named the user, none may be shown until they have been queried.
 */
export function staleLists(userId: UserId, devices: readonly DeviceLife[], seen: readonly Seen[]): readonly string[] {
  const faults: string[] = [];
  let given = Number.NEGATIVE_INFINITY;
  let isToQuery = false;
  for (const event of seen) {
    switch (event.type) {
      case "applied": {
        const isNamed = event.changed.includes(userId);
        given = Math.max(given, isNamed ? event.at : event.polledAt);
        isToQuery ||= isNamed;
        break;
      }
      case "queried":
        if (event.users.includes(userId)) isToQuery = false;
        break;
      case "shown":
        if (event.userId !== userId || event.freshness !== "current") break;
        if (isToQuery) faults.push(`at ${event.at.toFixed()} ms, the current list is older than the last announcement`);
        faults.push(...wrongDevices(devices, event, given));
        break;
    }
  }
  return faults;
}

function wrongDevices(
  devices: readonly DeviceLife[],
  { at, keys }: { readonly at: number; readonly keys: readonly string[] },
  given: number,
): readonly string[] {
  return devices.flatMap(({ deviceId, key, uploaded, logoutBegan, loggedOut }) => {
    const isShown = keys.includes(key);
    const isGone = isBefore(loggedOut, given);
    const isThere = isBefore(uploaded, given) && !isBefore(logoutBegan, at);
    return (isShown ? isGone : isThere)
      ? [`at ${at.toFixed()} ms, ${deviceId} is ${isShown ? "still" : "not"} in the current list`]
      : [];
  });
}

const isBefore = (time: number | undefined, limit: number): boolean => time !== undefined && time <= limit;

/** How long it took until a device was shown in a current list, and until it was not any more, in ms. */
export interface Latency {
  readonly deviceId: DeviceId;
  /** From the start of the upload; `Infinity` if it was never shown. */
  readonly login: number;
  /** From the start of the log-out; `undefined` if there was none. */
  readonly logout: number | undefined;
}

export function latencies(userId: UserId, devices: readonly DeviceLife[], seen: readonly Seen[]): readonly Latency[] {
  /** When a current list was first shown after this time with the key, or without it. */
  const shownFrom = (from: number, key: string, isThere: boolean): number =>
    seen.find(
      (event) =>
        event.type === "shown" &&
        event.at >= from &&
        event.userId === userId &&
        event.freshness === "current" &&
        event.keys.includes(key) === isThere,
    )?.at ?? Number.POSITIVE_INFINITY;
  return devices.map(({ deviceId, key, uploadBegan, logoutBegan }) => ({
    deviceId,
    login: shownFrom(uploadBegan, key, true) - uploadBegan,
    logout: logoutBegan === undefined ? undefined : shownFrom(logoutBegan, key, false) - logoutBegan,
  }));
}

/** The median and the worst, such as `logins 80 ms (worst 120 ms)`. */
export function describeLatencies(measured: readonly Latency[]): string {
  const summary = (times: readonly number[]) => {
    const sorted = times.toSorted((a, b) => a - b);
    return `${sorted[Math.floor(sorted.length / 2)]?.toFixed() ?? "?"} ms (worst ${sorted.at(-1)?.toFixed() ?? "?"} ms)`;
  };
  const logouts = measured.flatMap(({ logout }) => logout ?? []);
  return `logins ${summary(measured.map(({ login }) => login))}, log-outs ${summary(logouts)}`;
}
