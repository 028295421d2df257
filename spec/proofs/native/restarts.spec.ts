import { expect, it } from "vitest";
import { memoryStore } from "../../../src/store/memory-store.js";
import { ServedMachine } from "../../olm-machine/served-machine.js";
import { BOB } from "../../support/users.js";

/** A machine and a tracker that save, and have Bob's list. */
async function withBob(): Promise<ServedMachine> {
  const served = await ServedMachine.open({ store: memoryStore() });
  served.addDevice(BOB, "PHONE");
  await served.step();
  await served.elapse(10);
  served.forget();
  return served;
}

it("queries nothing after a restart, and has the lists", async () => {
  const served = await withBob();
  await served.restart();
  await served.step();
  await served.elapse(10);
  expect(served.queried).toEqual([]);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
});

it("gets a change that was announced while it was not running", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.restart();
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
});

it("gets a change that the machine has saved and the tracker has not", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.save();
  await served.restart();
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(await served.asked()).toEqual([]);
});

it("gets a change that the tracker has applied before it could serve the machine", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.save();
  served.unsubscribe();
  await served.applySaved();
  await served.restart();
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(served.queried).toEqual([[BOB]]);
});

it("gets a list that the tracker has saved and the machine was not given", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  await served.save();
  served.unsubscribe();
  await served.applySaved();
  served.tracker.getDeviceKeys([BOB]).subscribe();
  await served.elapse(10);
  await served.restart();
  await served.step();
  await served.elapse(10);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE", "TABLET"]);
  expect(served.queried).toEqual([[BOB]]);
});

it("does not query a user who left before", async () => {
  const served = await withBob();
  served.addDevice(BOB, "TABLET");
  served.homeserver.leave(BOB);
  await served.machineIsTold(BOB);
  await served.step();
  await served.restart();
  await served.step();
  await served.elapse(10);
  expect(served.queried).toEqual([]);
  expect(await served.devicesOf(BOB)).toEqual(["PHONE"]);
});
