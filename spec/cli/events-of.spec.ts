import { asyncScheduler, filter, firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeviceEvent } from "../../src/cli/device-events.js";
import { eventsOf } from "../../src/cli/events-of.js";
import { DeviceTracker } from "../../src/index.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const SOON = { timeout: 5_000, interval: 5 };
/** How long a query takes, in ms. */
const LATENCY = 30;

describe("the events of a watch", () => {
  let homeserver: ScriptedHomeserver;
  let tracker: DeviceTracker;
  beforeEach(async () => {
    homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler, answerAfter: LATENCY });
    const { sync$, keysApi } = homeserver;
    tracker = new DeviceTracker({ userId: ALICE, sync$, keysApi });
    tracker.connect();
    homeserver.addDevice(BOB, "PHONE");
    await step();
  });
  afterEach(() => tracker.close());

  async function step(): Promise<void> {
    const durable = firstValueFrom(tracker.synced$.pipe(filter(({ next_batch }) => next_batch === homeserver.token)));
    homeserver.step();
    await durable;
  }

  function eventsAfter(first: Parameters<typeof eventsOf>[1]): DeviceEvent[] {
    const events: DeviceEvent[] = [];
    eventsOf(tracker, first).subscribe((event) => events.push(event));
    return events;
  }
  const shown = (events: readonly DeviceEvent[]) =>
    events.map((event) => `${event.type} ${event.userId} ${"deviceId" in event ? event.deviceId : ""}`);

  it("are the devices that are new, and those that are gone", async () => {
    const events = eventsAfter(await firstValueFrom(tracker.getDeviceKeys([BOB])));
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.removeDevice(BOB, "PHONE");
    await step();
    await firstValueFrom(tracker.getDeviceKeys([BOB]));
    await expect.poll(() => shown(events), SOON).toEqual([`added ${BOB} LAPTOP`, `removed ${BOB} PHONE`]);
  });

  it("name no device as new that was in a superseded list at first", async () => {
    const lookup = firstValueFrom(tracker.getDeviceKeys([BOB]));
    homeserver.addDevice(BOB, "LAPTOP");
    await step();
    const first = await lookup;
    expect(first.get(BOB)).toMatchObject({ freshness: "superseded", deviceKeys: new Map([["PHONE", {}]]) });
    const events = eventsAfter(first);
    await firstValueFrom(tracker.getDeviceKeys([BOB]));
    await expect.poll(() => shown(events), SOON).toEqual([`added ${BOB} LAPTOP`]);
  });

  it("are the devices of a user who joins later", async () => {
    const events = eventsAfter(await firstValueFrom(tracker.getDeviceKeys([BOB])));
    homeserver.addDevice(CAROL, "TABLET");
    await step();
    await firstValueFrom(tracker.getDeviceKeys([CAROL]));
    await expect.poll(() => shown(events), SOON).toEqual([`added ${CAROL} TABLET`]);
  });
});
