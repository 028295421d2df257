import { serverName, type UserId } from "../../src/model/ids.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { testDevice } from "../../src/testing/test-device.js";
import { BOB, DAVE, type ChangesOutcome, type Outcome, type Setup } from "./commands.js";
import { token, type Response, type Server } from "./model.js";
import { FORGED, signedDevice } from "./signed-device.js";

/** A sync response as it comes; `since`: the position that it says it answers, if it says so. */
export function syncBody({ shape, next, changed, left }: Response, since: number | null | undefined): unknown {
  const lists = { changed: [...changed], left: [...left] };
  const body = {
    next_batch: next === undefined ? undefined : token(next),
    device_lists: lists,
    ...(since !== undefined && { since: since === null ? null : token(since) }),
  };
  switch (shape) {
    case "naming users twice":
      return { ...body, device_lists: { changed: [...changed, ...left, ...changed], left: [...left, ...left] } };
    case "with IDs that are none":
      return {
        ...body,
        device_lists: { changed: ["nobody", ...changed, "@no-server", "__proto__"], left: [...left, ""] },
      };
    case "that is no object":
      return [body];
    case "without a token":
      return { ...body, next_batch: 5 };
    case "whose lists are no object":
      return { ...body, device_lists: "x" };
    case "whose changed is no array":
      return { ...body, device_lists: { changed: { 0: "x" }, left: lists.left } };
    case "with entries that are no strings":
      return { ...body, device_lists: { changed: [5, ...changed, null], left: [...left, {}] } };
    case "whose since is no token":
      return { ...body, since: 5 };
    case "plain":
    case "without since":
    case "with the token it answers":
    case "with the token it answers, without since":
      return body;
  }
}

/** What the server writes beside a device so that the list can be told apart later. */
interface Mark {
  readonly query: number;
  /** Whether the same answer says that the user's server could not be reached. */
  readonly unreachable: boolean;
}

/** The answer to a query, with the lists at the given versions; an error where it is none. */
export function queryBody(
  outcome: Outcome,
  query: number,
  versions: ReadonlyMap<UserId, number>,
  server: Server,
  signed: Setup["signed"],
): unknown {
  const devices: Record<string, unknown> = {};
  const failures: Record<string, unknown> = {};
  for (const [user, version] of versions) {
    const name = serverName(user);
    const withFailures = outcome === "lists, and failures";
    if (withFailures || server.down.has(name)) failures[name] = { status: 503 };
    if (server.down.has(name) && !withFailures) continue;
    const mark: Mark = { query, unreachable: withFailures || server.down.has(name) };
    if (version === 0) continue; // nobody's keys have changed yet: no devices
    const own = (device: DeviceKeys) => (signed === "no" ? device : signedDevice(device, user));
    const witness = testDevice(user, `V${version}`, { unsigned: { mark }, ...(signed === "anew" && { query }) });
    const list = {
      [witness.device_id]: own(witness),
      ...(version % 3 > 0 && { [KEYED]: own(keyedDevice(user, outcome === "lists, with another key")) }),
    };
    devices[user] =
      outcome === "lists, among hostile ones" ? { ...list, ...hostileDevices(user, signed !== "no") } : list;
  }
  switch (outcome) {
    case "no object":
      return [devices];
    case "device_keys that are no object":
      return { device_keys: "x", failures };
    case "failures that are no object":
      return { device_keys: devices, failures: [] };
    case "users that are no objects":
      return {
        device_keys: Object.fromEntries(
          Array.from(versions.keys(), (user, i) => [user, [5, "x", [devices[user]]][i % 3]]),
        ),
        failures,
      };
    case "null sections":
      return { device_keys: devices, failures, master_keys: null, self_signing_keys: null, user_signing_keys: null };
    case "lists":
    case "lists, twice":
    case "lists, among hostile ones":
    case "lists, with another key":
    case "lists, and failures":
    case "an error":
    case "nothing":
      return { device_keys: devices, failures, master_keys: {}, unknown: 1 };
  }
}

/** The answer to who changed between two positions; an error, or nothing, where it is none. */
export function changesBody(outcome: ChangesOutcome, { changed, left }: Pick<Response, "changed" | "left">): unknown {
  const lists = { changed: [...changed], left: [...left] };
  switch (outcome) {
    case "the truth":
    case "the truth, twice":
    case "an error":
    case "nothing":
      return lists;
    case "the truth, among IDs that are none":
      return { changed: ["nobody", ...lists.changed, "__proto__"], left: [...lists.left, "@no-server"] };
    case "null":
      return null;
    case "lists that are no arrays":
      return { ...lists, left: { 0: "x" } };
  }
}

/** A device that comes and goes as versions do, and whose ed25519 key is not always the same. */
export const KEYED = "KEYED";

/** Dave says that Bob's curve25519 key is his. */
export function keyedDevice(user: UserId, withAnotherKey = false): DeviceKeys {
  const device = testDevice(user, KEYED);
  const curve25519 = testDevice(user === DAVE ? BOB : user, KEYED).keys[`curve25519:${KEYED}`] ?? "";
  const ed25519 =
    testDevice(user, withAnotherKey ? "OTHER" : KEYED).keys[`ed25519:${withAnotherKey ? "OTHER" : KEYED}`] ?? "";
  return { ...device, keys: { [`curve25519:${KEYED}`]: curve25519, [`ed25519:${KEYED}`]: ed25519 } };
}

/** Whether a device of this ID is one of those that must never be accepted. */
export const isHostile = (deviceId: string): boolean => /^(V9999\d\d|shared\d|__proto__)$/.test(deviceId);

/** @param signed whether honest ones are */
function hostileDevices(user: UserId, signed: boolean): object {
  const mallory = testDevice("@mallory:evil.example", "V999999");
  const hostile: unknown = JSON.parse(
    JSON.stringify({
      V999999: mallory,
      V999998: testDevice(user, "V999997"),
      V999996: null,
      V999995: { user_id: user, device_id: "V999995", algorithms: 5 },
      odd: { ...testDevice(user, "odd"), keys: { a: 1 } },
    }).replace('"odd":', '"__proto__":'),
  );
  const sharing = (deviceId: string) =>
    signedDevice(
      testDevice(user, deviceId, {
        keys: {
          ...testDevice(user, deviceId).keys,
          [`curve25519:${deviceId}`]: testDevice(user, "shared").keys["curve25519:shared"] ?? "",
        },
      }),
      user,
    );
  return {
    V999994: signedDevice(testDevice(user, "V999994"), user, FORGED),
    ...(signed && { V999993: testDevice(user, "V999993") }),
    shared1: sharing("shared1"),
    shared2: sharing("shared2"),
    ...(hostile as object),
  };
}

export interface ListRead {
  readonly version: number;
  readonly mark: Mark | undefined;
}

/** How old a list is, and which query brought it. */
export function readList(devices: ReadonlyMap<string, { readonly unsigned?: unknown }>): ListRead {
  let version = 0;
  let mark: Mark | undefined;
  for (const [deviceId, device] of devices) {
    if (!deviceId.startsWith("V")) continue;
    version = Math.max(version, Number(deviceId.slice(1)));
    mark = (device.unsigned as { mark?: Mark } | undefined)?.mark;
  }
  return { version, mark };
}
