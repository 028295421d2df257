import type { KeysQueryRequest } from "@matrix-org/matrix-sdk-crypto-wasm";
import { filter, mergeMap } from "rxjs";
import { expect, it, vi } from "vitest";
import { serveKeyQueries } from "../../src/olm-machine/serve-key-queries.js";
import { memoryStore } from "../../src/store/memory-store.js";
import type { DeviceTrackerOptions } from "../../src/tracker/options.js";
import { isNative } from "../engines/engine-in-use.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";
import { ServedMachine } from "./served-machine.js";

/** A served machine that has Bob's list. */
async function withBob(options: Partial<DeviceTrackerOptions> = {}): Promise<ServedMachine> {
  const served = await ServedMachine.open(options);
  served.addDevice(BOB, "PHONE");
  await served.step();
  await served.elapse(10);
  served.forget();
  return served;
}

it("refuses an unknown way to treat refused devices", async () => {
  const { machine, tracker } = await ServedMachine.open();
  const unknown = "pass" as "omit";
  expect(() => serveKeyQueries(machine, tracker, { refusedDevices: unknown })).toThrow(/"omit" or "as-before"/u);
});

it("gives the machine the lists that it asks for, and it asks no more", async () => {
  const served = await ServedMachine.open();
  served.addDevice(BOB, "PHONE");
  await served.trackInMachine(BOB, CAROL);
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  expect(await served.asked()).toEqual([]);
  expect(served.queried).toEqual([[BOB, CAROL]]);
  expect(served.served).toEqual([{ type: "given", userIds: [BOB, CAROL] }]);
});

it("tracks the same users on both sides", async () => {
  const served = await ServedMachine.open();
  let tracked: ReadonlySet<string> = new Set();
  served.tracker.trackedUsers$.subscribe((users) => (tracked = users));
  served.addDevice(CAROL, "LAPTOP");
  served.tracker.track([CAROL]).subscribe();
  await served.elapse(10);
  const theirs = async () => Array.from(await served.machine.trackedUsers(), (user) => user.toString()).sort();
  expect(await theirs()).toEqual([ALICE, CAROL]);
  expect(await served.devicesOf(CAROL)).toEqual(["LAPTOP"]);
  await served.trackInMachine(BOB);
  await served.step();
  await served.elapse(10);
  expect([...tracked].sort()).toEqual([ALICE, BOB, CAROL]);
  expect(await theirs()).toEqual([ALICE, BOB, CAROL]);
});

it("skips an answer that a change has overtaken, and gives the next one", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.step();
  await served.elapse(2); // the query is on its way, and was answered as of now
  served.homeserver.removeDevice(BOB, "PHONE");
  await served.step();
  const seen = new Set<string>();
  for (let i = 0; i < 15; i++) {
    await served.elapse(1);
    seen.add((await served.devicesOf(BOB)).join(" "));
  }
  expect([...seen]).toEqual(["PHONE", "TABLET"]);
  expect(await served.asked()).toEqual([]);
});

it("asks again if a change overtakes the answer between tracker and machine", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  // The machine knows of the change before the tracker: a list from the cache is older.
  await served.save();
  await served.elapse(10);
  await served.applySaved();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(await served.asked()).toEqual([]);
});

it("does not query a user who left until they are back", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  served.homeserver.leave(BOB);
  await served.machineIsTold(BOB);
  await served.step();
  await served.elapse(10);
  await served.step();
  await served.elapse(10);
  expect(served.queried).toEqual([]);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  served.homeserver.change(BOB);
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(await served.asked()).toEqual([]);
});

it("drops the answer for a user who leaves while they are queried", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.step();
  await served.elapse(2);
  served.homeserver.leave(BOB);
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  expect(served.queried).toEqual([[BOB]]);
});

it("gives the list of a user tracked again, though the machine does not ask", async () => {
  const served = await withBob();
  served.tracker.untrack([BOB]).subscribe();
  served.addDevice(BOB, "TABLET");
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  served.tracker.track([BOB]).subscribe();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
});

it("gives a list that another lookup has changed", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  served.tracker.getDeviceKeys([BOB], { forceDownload: true }).subscribe();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(served.served).toEqual([{ type: "given", userIds: [BOB] }]);
});

it("gives the changes that were found after a gap", async () => {
  const served = await withBob();
  const { token } = served.homeserver;
  served.addDevice(BOB, "TABLET");
  served.homeserver.respond(); // is lost
  expect(served.homeserver.token).not.toBe(token);
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(await served.asked()).toEqual([]);
});

it("gives the lists of users tracked again after a gap that was not closed", async () => {
  const served = await withBob({ gaps: "distrust" });
  const gaps$ = served.tracker.problems$.pipe(filter(({ type }) => type === "gap"));
  gaps$.pipe(mergeMap(() => served.tracker.track([BOB]))).subscribe();
  served.addDevice(BOB, "TABLET");
  served.homeserver.respond(); // is lost
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
});

it("leaves out a refused device until it is acknowledged", async () => {
  const served = await withBob();
  const other = served.account(CAROL).device("PHONE").keys["ed25519:PHONE"] ?? "";
  served.replaceKey(BOB, "PHONE", CAROL);
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual([]);
  served.tracker.acknowledgeDevice(BOB, "PHONE", other).subscribe();
  served.tracker.getDeviceKeys([BOB]).subscribe();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
});

it("gives the lists of the others if the machine cannot read one", async () => {
  const served = await withBob();
  const half = "\ud800";
  served.homeserver.addDevice(CAROL, half, { device_id: half });
  served.addDevice(BOB, "TABLET");
  await served.trackInMachine(CAROL);
  await served.step();
  await served.elapse(20);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(await served.asked()).toEqual([CAROL]);
  expect(served.served).toContainEqual({
    type: "failed",
    userIds: [CAROL],
    error: expect.any(Error) as Error,
    retryIn: 2_000,
  });
});

it("does not query a user who left before the machine was served", async () => {
  const served = await withBob();
  served.homeserver.leave(BOB);
  await served.machineIsTold(BOB);
  await served.step();
  served.unsubscribe();
  served.serve();
  await served.elapse(10);
  expect(served.queried).toEqual([]);
});

it("reports a failed server, and leaves its users to the machine's back-off", async () => {
  const served = await ServedMachine.open();
  served.homeserver.unreachable.add("down.example");
  served.addDevice(BOB, "PHONE");
  await served.trackInMachine(BOB, EVE);
  await served.step();
  await served.elapse(30);
  expect(served.queried).toEqual([[BOB, EVE]]);
  expect(await served.asked()).toEqual(isNative ? [EVE] : []); // the native engine has no back-off
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  expect(served.served).toEqual([
    { type: "given", userIds: [BOB] },
    { type: "failed", userIds: [EVE], retryIn: 2_000 },
  ]);
});

it("looks up users of our own server again after 2 s, doubling", async () => {
  const served = await ServedMachine.open();
  served.homeserver.unreachable.add("example.org");
  await served.trackInMachine(BOB);
  await served.step();
  const queriedAfter = async (ms: number) => {
    await served.elapse(ms);
    return served.queried.length;
  };
  expect(await queriedAfter(1_000)).toBe(1);
  expect(await queriedAfter(1_100)).toBe(2);
  expect(await queriedAfter(3_800)).toBe(2);
  expect(await queriedAfter(300)).toBe(3);
  served.homeserver.unreachable.clear();
  served.addDevice(BOB, "PHONE"); // they are announced: their server can be reached
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
});

it("gives what a partly failed lookup has fetched, and retries the others", async () => {
  const served = await ServedMachine.open({ maxUsersPerQuery: 1 });
  served.addDevice(BOB, "PHONE");
  served.addDevice(CAROL, "LAPTOP");
  const failure = Object.assign(new Error("too many requests"), { status: 429, retryAfter: 3_000 });
  served.homeserver.failNext(failure);
  await served.trackInMachine(BOB, CAROL);
  await served.step();
  await served.elapse(20);
  expect(await served.devicesOf(CAROL)).toEqual(["LAPTOP"]);
  expect(served.served).toContainEqual({ type: "failed", userIds: [BOB], error: failure, retryIn: 3_000 });
  expect(await served.asked()).toEqual([BOB]);
  await served.elapse(3_010);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  expect(await served.asked()).toEqual([]);
});

it("retries at once when the homeserver can be reached again", async () => {
  const served = await withBob();
  served.homeserver.failNext(new Error("connection refused"));
  served.addDevice(BOB, "TABLET");
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
});

it("answers again if another caller's outgoingRequests() voided the request", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.step();
  await served.elapse(2);
  expect(await served.asked()).toEqual([BOB]);
  await served.elapse(10);
  expect(await served.asked()).toEqual([]);
  expect(served.queried).toEqual([[BOB]]);
});

function bodyOf(request: KeysQueryRequest): string {
  try {
    return request.body;
  } catch (error) {
    return String(error).includes("null pointer") ? "freed" : String(error);
  }
}

it("frees the requests that it reads, and none of the application's", async () => {
  const served = await withBob();
  const { machine } = served;
  const outgoingRequests = machine.outgoingRequests.bind(machine);
  const read: KeysQueryRequest[] = [];
  vi.spyOn(machine, "outgoingRequests").mockImplementation(async () => {
    const requests = await outgoingRequests();
    read.push(...(requests as KeysQueryRequest[]));
    return requests;
  });
  served.addDevice(BOB, "TABLET");
  await served.save();
  const [own] = (await outgoingRequests()) as KeysQueryRequest[];
  await served.applySaved();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(read).not.toEqual([]);
  // The native engine has no handles to free.
  for (const request of read) expect(bodyOf(request)).toEqual(isNative ? expect.any(String) : "freed");
  expect(own?.body).toContain(BOB);
});

it("aborts its query when unsubscribed, and goes on when subscribed again", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.step();
  await served.elapse(2);
  served.unsubscribe();
  await served.elapse(10);
  expect(served.homeserver.queries.map(({ abortedAt }) => abortedAt !== undefined)).toEqual([true]);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  served.serve();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
});

it("completes with the tracker", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.step();
  await served.elapse(2);
  served.tracker.close();
  await served.elapse(10);
  expect(served.served).toEqual(["complete"]);
  expect(served.time.pending).toBe(0);
});

it("fails if the machine does", async () => {
  const served = await withBob();
  served.machine.close();
  served.addDevice(BOB, "TABLET");
  served.homeserver.change(BOB);
  await served.stepOfTracker();
  await served.elapse(10);
  expect(served.served).toEqual([expect.any(Error)]);
});

it("fails if the store is cleared", async () => {
  const store = memoryStore();
  const served = await ServedMachine.open({ store });
  store.clear().subscribe();
  served.tracker.track([BOB]).subscribe({ error: () => {} });
  await served.trackInMachine(BOB);
  await served.step();
  await served.elapse(20);
  expect(served.served.map((one) => (one instanceof Error ? one.name : one))).toEqual(["StoreClearedError"]);
});

it("goes on after the sync stream has failed, and with the next connection", async () => {
  const served = await withBob();
  served.syncFails(new Error("logged out"));
  await served.trackInMachine(CAROL);
  served.addDevice(CAROL, "LAPTOP");
  served.connect();
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(CAROL)).toEqual(["LAPTOP"]);
});

it("does not spin if the server announces a user because they were queried", async () => {
  const served = await withBob();
  let queries = 0;
  for (let announcements = 0; announcements < 50; announcements++) {
    served.homeserver.change(BOB);
    await served.step();
    await served.elapse(10);
    queries = served.queried.length;
  }
  expect(queries).toBeLessThanOrEqual(4); // three at once; the others of half a second wait
  served.addDevice(BOB, "TABLET");
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  served.tracker.getDeviceKeys([BOB]).subscribe(); // another lookup: the machine gets what it finds at once
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(await served.asked()).toEqual([]);
});
