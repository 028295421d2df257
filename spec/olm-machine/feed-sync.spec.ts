import { DeviceId, DeviceLists, initAsync, OlmMachine, RequestType, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { Subject } from "rxjs";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { DeviceChanges } from "../../src/model/results.js";
import { feedSync } from "../../src/olm-machine/feed-sync.js";
import type { SyncMachine } from "../../src/olm-machine/machine.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { settled } from "./settled.js";

const RESPONSE = {
  next_batch: "s2",
  to_device: { events: [{ type: "m.room_key", sender: BOB, content: {} }] },
  device_lists: { changed: [BOB], left: [CAROL] },
  device_one_time_keys_count: { signed_curve25519: 20 },
  device_unused_fallback_key_types: ["signed_curve25519"],
};

class NamedId {
  constructor(readonly name: string) {
    if (!name.startsWith("@")) throw new Error("not a user ID");
  }
}
class NamedLists {
  constructor(
    readonly changed: readonly NamedId[],
    readonly left: readonly NamedId[],
  ) {}
}
const names = (ids: readonly NamedId[]) => ids.map(({ name }) => name);

/** A machine that notes what it receives. */
function notingMachine(properties: object = {}) {
  const received: unknown[][] = [];
  const receive =
    (method: string) =>
    (events: string, { changed, left }: NamedLists, counts: unknown, unused: unknown): Promise<string> => {
      received.push([method, JSON.parse(events), names(changed), names(left), counts, unused]);
      return Promise.resolve("decrypted");
    };
  const machine = { userId: new NamedId(ALICE), receiveSyncChanges: receive("sync"), ...properties };
  return { machine: machine as SyncMachine<string>, received, receive };
}

describe("what a machine is given of a response", () => {
  it("is everything that it needs, as maps and sets for WebAssembly", async () => {
    const { machine, received } = notingMachine({ free: () => {} });
    expect(await feedSync(machine, { DeviceLists: NamedLists }).save(RESPONSE)).toBe("decrypted");
    const { events } = RESPONSE.to_device;
    const counts = new Map([["signed_curve25519", 20]]);
    expect(received).toEqual([["sync", events, [BOB], [CAROL], counts, new Set(["signed_curve25519"])]]);
  });

  it("is objects and arrays for Node's module", async () => {
    const { machine, received } = notingMachine();
    await feedSync(machine, { DeviceLists: NamedLists }).save(RESPONSE);
    expect(received[0]?.slice(4)).toEqual([{ signed_curve25519: 20 }, ["signed_curve25519"]]);
    await feedSync(machine, { DeviceLists: NamedLists }).save({ next_batch: "s3" });
    expect(received[1]?.slice(4)).toEqual([{}, ["signed_curve25519"]]); // as if unused: no other one is made
  });

  it("is no key count if the response has none", async () => {
    const { machine, received, receive } = notingMachine({ free: () => {} });
    const modern = Object.assign(machine, { receiveSyncChangesMsc4186: receive("unchanged counts") });
    await feedSync(modern, { DeviceLists: NamedLists }).save({ next_batch: "s2" });
    expect(received).toEqual([["unchanged counts", [], [], [], new Map(), undefined]]);
  });

  it("is the last key counts again if the engine might take missing ones for zero", async () => {
    const { machine, received } = notingMachine();
    const deviceChanges$ = new Subject<DeviceChanges>();
    const feed = feedSync(machine, { DeviceLists: NamedLists });
    feed.deviceLists({ deviceChanges$ }).subscribe();
    await feed.save(RESPONSE);
    deviceChanges$.next({ changed: [BOB], left: [] });
    await feed.save({ next_batch: "s3" });
    const counts = { signed_curve25519: 20 };
    expect(received.map(([, , , , given]) => given)).toEqual([counts, counts, counts]);
  });

  it("leaves out what is not what the spec defines", async () => {
    const { machine, received } = notingMachine({ free: () => {} });
    await feedSync(machine, { DeviceLists: NamedLists }).save({
      next_batch: "s2",
      to_device: { events: "none" },
      device_lists: { changed: [BOB, 7, "bob"] as string[], left: null as unknown as string[] },
      device_one_time_keys_count: { signed_curve25519: "20", curve25519: 3 },
      device_unused_fallback_key_types: 4,
    });
    expect(received).toEqual([["sync", [], [BOB], [], new Map([["curve25519", 3]]), undefined]]);
  });

  it("fails if the machine does, so that the same poll is sent again", async () => {
    const failing = { receiveSyncChanges: () => Promise.reject(new Error("the store is full")) };
    const { machine } = notingMachine(failing);
    await expect(feedSync(machine, { DeviceLists: NamedLists }).save(RESPONSE)).rejects.toThrow("the store is full");
  });

  it("is the device lists alone once the tracker has them, one after the other", async () => {
    const finish: (() => void)[] = [];
    const { receive, received } = notingMachine();
    const note = receive("sync");
    const slow = (...args: Parameters<typeof note>) =>
      new Promise((resolve) => finish.push(() => resolve(note(...args))));
    const { machine } = notingMachine({ free: () => {}, receiveSyncChanges: slow });
    const deviceChanges$ = new Subject<DeviceChanges>();
    let isComplete = false;
    feedSync(machine, { DeviceLists: NamedLists })
      .deviceLists({ deviceChanges$ })
      .subscribe({ complete: () => (isComplete = true) });
    deviceChanges$.next({ changed: [BOB], left: [] });
    deviceChanges$.next({ changed: [], left: [BOB] });
    deviceChanges$.complete();
    for (const calls of [1, 2]) {
      await settled();
      expect([finish.length, isComplete]).toEqual([calls, false]);
      finish.at(-1)?.();
    }
    await settled();
    expect(isComplete).toBe(true);
    expect(received.map(([, events, changed, left]) => [events, changed, left])).toEqual([
      [[], [BOB], []],
      [[], [], [BOB]],
    ]);
  });
});

describe("an OlmMachine", () => {
  beforeAll(() => initAsync());

  it("keeps its key counts when it is given device lists", async () => {
    const machine = await OlmMachine.initialize(new UserId(ALICE), new DeviceId("OURS"));
    const asks = async (wanted: RequestType) =>
      (await machine.outgoingRequests()).filter(({ type }) => type === wanted).length;
    const [upload] = await machine.outgoingRequests();
    const { id = "" } = upload ?? {};
    await machine.markRequestAsSent(id, RequestType.KeysUpload, '{"one_time_key_counts":{"signed_curve25519":50}}');
    await machine.updateTrackedUsers([new UserId(BOB)]);
    const feed = feedSync(machine, { DeviceLists });
    const deviceChanges$ = new Subject<DeviceChanges>();
    feed.deviceLists({ deviceChanges$ }).subscribe();
    await feed.save({ next_batch: "s2", device_one_time_keys_count: { signed_curve25519: 50 } });
    deviceChanges$.next({ changed: [BOB], left: [] });
    await settled();
    expect([await asks(RequestType.KeysUpload), await asks(RequestType.KeysQuery)]).toEqual([0, 1]);
    await feed.save({ next_batch: "s3", device_one_time_keys_count: {} });
    expect(await asks(RequestType.KeysUpload)).toBe(1);
  });

  it("keeps no device lists alive that it was given", async () => {
    const machine = await OlmMachine.initialize(new UserId(ALICE), new DeviceId("OURS"));
    const given: DeviceLists[] = [];
    class NotedLists extends DeviceLists {
      constructor(...users: ConstructorParameters<typeof DeviceLists>) {
        super(...users);
        given.push(this);
      }
    }
    const feed = feedSync(machine, { DeviceLists: NotedLists });
    await feed.save(RESPONSE);
    vi.spyOn(machine, "receiveSyncChanges").mockRejectedValue(new Error("the store is full"));
    await expect(feed.save(RESPONSE)).rejects.toThrow("the store is full");
    expect(given).toHaveLength(2);
    for (const lists of given) expect(() => lists.isEmpty()).toThrow("null pointer");
  });

  it("makes no new keys for device lists if it takes missing key counts for zero", async () => {
    const machine = await OlmMachine.initialize(new UserId(ALICE), new DeviceId("OURS"));
    const uploads = async () =>
      (await machine.outgoingRequests()).filter(({ type }) => type === RequestType.KeysUpload);
    const [{ id = "" } = {}] = await uploads();
    await machine.markRequestAsSent(id, RequestType.KeysUpload, '{"one_time_key_counts":{"signed_curve25519":50}}');
    Object.defineProperty(machine, "receiveSyncChangesMsc4186", { value: undefined }); // as versions 18.5 and 18.6
    const feed = feedSync(machine, { DeviceLists });
    const deviceChanges$ = new Subject<DeviceChanges>();
    feed.deviceLists({ deviceChanges$ }).subscribe();
    await feed.save({ next_batch: "s2", device_one_time_keys_count: { signed_curve25519: 50 } });
    deviceChanges$.next({ changed: [BOB], left: [] });
    await new Promise((resolve) => setImmediate(resolve));
    expect(await uploads()).toEqual([]);
    await feed.save({ next_batch: "s3", device_one_time_keys_count: {} });
    expect(await uploads()).toHaveLength(1);
  });
});
