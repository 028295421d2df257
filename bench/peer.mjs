// The peer: the OlmMachine of the Rust SDK, as WebAssembly, used as matrix-js-sdk uses it.
import { DeviceId, DeviceLists, initAsync, OlmMachine, RequestType, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { ME } from "./answers.mjs";

/** @type {WebAssembly.Memory} */
let memory;

/** Loads the module, and keeps its memory: it exports no way to measure it. */
export async function loadPeer() {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const result = await instantiate(...args);
    if ("instance" in result) memory = result.instance.exports.memory; // other modules instantiate what is compiled already
    return result;
  };
  await initAsync();
  WebAssembly.instantiate = instantiate;
}

export const wasmBytes = () => memory.buffer.byteLength;

/**
 * A machine, new or from its store.
 * @param {string} [storeName] the name of its IndexedDB databases; without one, everything is in memory
 */
export const openMachine = (storeName) => OlmMachine.initialize(new UserId(ME), new DeviceId("BENCH"), storeName);

/** A machine that has uploaded its own keys, so that its next requests are about others. */
export async function makeMachine(storeName) {
  const machine = await openMachine(storeName);
  for (const request of await machine.outgoingRequests()) {
    const answer =
      request.type === RequestType.KeysQuery
        ? { device_keys: { [ME]: {} } }
        : { one_time_key_counts: { signed_curve25519: 50 } };
    await machine.markRequestAsSent(request.id, request.type, JSON.stringify(answer));
  }
  return machine;
}

/** A machine that tracks these accounts and has their lists. */
export async function makeMachineWith(accounts, answer, storeName) {
  const machine = await makeMachine(storeName);
  await trackUsers(
    machine,
    accounts.map(({ userId }) => userId),
  );
  await answerQueries(machine, answer);
  return machine;
}

export const trackUsers = (machine, userIds) => machine.updateTrackedUsers(userIds.map((userId) => new UserId(userId)));

/** Answers every query of the machine. */
export async function answerQueries(machine, answer) {
  for (const request of await machine.outgoingRequests()) {
    if (request.type !== RequestType.KeysQuery) continue;
    const userIds = Object.keys(JSON.parse(request.body).device_keys);
    await machine.markRequestAsSent(request.id, request.type, answer(userIds));
  }
}

/** One sync response that only names users. */
export async function applySync(machine, changed) {
  await machine.receiveSyncChanges(
    "[]",
    new DeviceLists(
      changed.map((userId) => new UserId(userId)),
      [],
    ),
    new Map([["signed_curve25519", 50]]),
    undefined,
  );
}

/** The lists alone, as handles into the WebAssembly memory. */
export async function getHandles(machine, userIds) {
  for (const userId of userIds) await withDevices(machine, userId, () => {});
}

/** The two keys of each device in JavaScript, as matrix-js-sdk's `getUserDeviceInfo` returns them. */
export async function readIdentityKeys(machine, userIds) {
  const keys = [];
  for (const userId of userIds) {
    await withDevices(machine, userId, (list) => {
      for (const device of list.devices()) {
        keys.push([
          userId,
          read(device.deviceId, "toString"),
          read(device.curve25519Key, "toBase64"),
          read(device.ed25519Key, "toBase64"),
        ]);
        device.free();
      }
    });
  }
  return keys;
}

// Every handle is freed at once: left to the garbage collector, they make the peer several times slower.

async function withDevices(machine, userId, use) {
  const id = new UserId(userId);
  const list = await machine.getUserDevices(id);
  use(list);
  list.free();
  id.free();
}

function read(handle, method) {
  const text = handle[method]();
  handle.free();
  return text;
}
