import axios, { type AxiosResponse, type InternalAxiosRequestConfig } from "axios";
import { defer, delay, firstValueFrom, NEVER, of, Subject, type Observable } from "rxjs";
import { expect, it } from "vitest";
import { axiosKeysApi } from "../../src/http/axios-keys-api.js";
import { idbStore } from "../../src/idb/idb-store.js";
import {
  DeviceTracker,
  type DeviceKeys,
  type KeysQueryResponse,
  type SyncResponse,
  type UserId,
} from "../../src/index.js";
import { canonicalJson } from "../../src/keys/canonical-json.js";
import { ALICE } from "./tracker-on.js";

const USERS = Array.from({ length: 249 }, (_, i) => `@user${i}:example.org`);
const HOSTILE = "@hostile:example.org";
const ALL = [...USERS.slice(0, 100), HOSTILE, ...USERS.slice(100)];

const done = (action$: Observable<void>) => firstValueFrom(action$, { defaultValue: undefined });
const base64 = (bytes: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("=", "");

/** A device that is really signed. */
async function device(userId: UserId, deviceId: string): Promise<DeviceKeys> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey("Ed25519", true, ["sign"]);
  const curve25519 = base64(crypto.getRandomValues(new Uint8Array(32)).fill(0, 31).buffer);
  const unsigned = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
    keys: {
      [`curve25519:${deviceId}`]: curve25519,
      [`ed25519:${deviceId}`]: base64(await crypto.subtle.exportKey("raw", publicKey)),
    },
  };
  const message = new TextEncoder().encode(canonicalJson(unsigned));
  const signature = base64(await crypto.subtle.sign("Ed25519", privateKey, message));
  return { ...unsigned, signatures: { [userId]: { [`ed25519:${deviceId}`]: signature } } };
}

async function devicesOf(userId: UserId, count: number) {
  const devices = await Promise.all(Array.from({ length: count }, (_, i) => device(userId, `D${i}`)));
  return Object.fromEntries(devices.map((one) => [one.device_id, one]));
}

async function answerWith(count: number) {
  const lists = [];
  for (const userId of USERS) lists.push([userId, await devicesOf(userId, 2)] as const);
  return { device_keys: { ...Object.fromEntries(lists), [HOSTILE]: await devicesOf(HOSTILE, count) } };
}

/** The longest task, in ms, while this goes on; 0 if none was longer than 50 ms. */
async function longestTask(action: () => Promise<unknown>): Promise<number> {
  const durations: number[] = [];
  const observer = new PerformanceObserver((list) => durations.push(...list.getEntries().map((one) => one.duration)));
  observer.observe({ type: "longtask" });
  await action();
  await new Promise((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  return Math.max(0, ...durations);
}

function trackerOn(database: string, answer: KeysQueryResponse) {
  const sync$ = new Subject<SyncResponse>();
  const tracker = new DeviceTracker({
    userId: ALICE,
    sync$,
    keysApi: { query: () => defer(() => of(answer).pipe(delay(10))), changes: () => NEVER },
    store: idbStore(database),
  });
  tracker.connect();
  return tracker;
}

/** The longest task of each part of the tracker's work on such a response, on a database of its own. */
async function longestTasks(text: string) {
  const database = crypto.randomUUID();
  const first = trackerOn(database, JSON.parse(text) as KeysQueryResponse);
  await done(first.track(ALL));
  const order: string[] = [];
  const fetched = await longestTask(async () => {
    const all = firstValueFrom(first.getDeviceKeys(ALL)).then(() => order.push("hostile"));
    await Promise.all(USERS.map((userId) => firstValueFrom(first.getDeviceKeys([userId]))));
    order.push("others");
    await all;
  });
  expect(order).toEqual(["others", "hostile"]);
  await done(first.invalidate(ALL));
  const fetchedAgain = await longestTask(() => firstValueFrom(first.getDeviceKeys(ALL)));
  first.close();

  const second = trackerOn(database, {});
  const read = await longestTask(async () => {
    const known = (await firstValueFrom(second.getKnownDeviceKeys(ALL))).get(HOSTILE);
    expect(known?.deviceKeys.size).toBe(2_000);
    const key = known?.deviceKeys.get("D7")?.keys["curve25519:D7"] ?? "";
    const found = await firstValueFrom(second.findDevice("curve25519", key));
    expect(found).toEqual([{ userId: HOSTILE, deviceId: "D7" }]);
  });
  second.close();
  return { fetched, fetchedAgain, read };
}

it("a user with 2,000 signed devices delays no others and causes no long task", { timeout: 120_000 }, async () => {
  const text = JSON.stringify(await answerWith(2_000));
  const attempts = [];
  for (let i = 0; i < 3; i++) attempts.push(await longestTasks(text));
  for (const part of ["fetched", "fetchedAgain", "read"] as const)
    expect(Math.min(...attempts.map((tasks) => tasks[part])), part).toBeLessThan(100); // other processes delay some
});

/** An answer of the homeserver as a text, as it comes over the network. */
function keysApiOf(text: string) {
  const adapter = (config: InternalAxiosRequestConfig): Promise<AxiosResponse> =>
    Promise.resolve({ data: text, status: 200, statusText: "", headers: {}, config });
  return axiosKeysApi(axios.create({ adapter }));
}

it.each([
  ["a million device IDs", (i: number) => `"D${i}":{}`, 1_000_000],
  [
    "20,000 devices that are not well-formed",
    (i: number) => `"D${i}":{"keys":{"ed25519:D${i}":"${"A".repeat(600)}"}}`,
    20_000,
  ],
])("a user with %s causes no long task, and is refused alone", { timeout: 120_000 }, async (_, device, count) => {
  const [user = ""] = USERS;
  const text = `{"device_keys":{"${user}":${JSON.stringify(await devicesOf(user, 2))},"${HOSTILE}":{${Array.from({ length: count }, (__, i) => device(i)).join(",")}}}}`;
  const attempts: number[] = [];
  for (let i = 0; i < 3; i++) {
    const tracker = new DeviceTracker({
      userId: ALICE,
      sync$: NEVER,
      keysApi: keysApiOf(text),
      store: idbStore(crypto.randomUUID()),
    });
    await done(tracker.track([user, HOSTILE]));
    const longest = await longestTask(async () => {
      const lists = await firstValueFrom(tracker.getDeviceKeys([user, HOSTILE]));
      expect([lists.get(user)?.deviceKeys.size, lists.get(HOSTILE)?.deviceKeys.size]).toEqual([2, 0]);
    });
    attempts.push(longest);
    tracker.close();
  }
  expect(Math.min(...attempts)).toBeLessThan(100); // other processes delay some
});

it("a user whose 2,000 devices all come with other keys causes no long task", { timeout: 120_000 }, async () => {
  const answers = [await devicesOf(HOSTILE, 2_000), await devicesOf(HOSTILE, 2_000)];
  const attempts: number[] = [];
  for (let i = 0; i < 3; i++) {
    let next = 0;
    const tracker = new DeviceTracker({
      userId: ALICE,
      sync$: NEVER,
      keysApi: {
        query: () => defer(() => of({ device_keys: { [HOSTILE]: answers[next++ % 2] ?? {} } }).pipe(delay(10))),
        changes: () => NEVER,
      },
      store: idbStore(crypto.randomUUID()),
    });
    await done(tracker.track([HOSTILE]));
    const ask = () => firstValueFrom(tracker.getDeviceKeys([HOSTILE], { forceDownload: true }));
    const longest = await longestTask(async () => {
      await ask();
      expect((await ask()).get(HOSTILE)?.rejected.get("D7")?.code).toBe("key-changed");
    });
    attempts.push(longest);
    tracker.close();
  }
  expect(Math.min(...attempts)).toBeLessThan(100); // other processes delay some
});

it("long tasks are measured here", async () => {
  const busy = async () => {
    await new Promise((resolve) => setTimeout(resolve));
    for (const until = performance.now() + 150; performance.now() < until;);
  };
  expect(await longestTask(busy)).toBeGreaterThan(100);
});
