import { DeviceId, initAsync, OlmMachine, RequestType, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { firstValueFrom, type Observable } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import type { DeviceTracker } from "../../src/device-tracker.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import type { DeviceLists } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ALICE, BOB } from "../support/users.js";
import { applicationInTest } from "./application.js";

const until = (what: () => void) => vi.waitFor(what, { timeout: 5_000, interval: 5 });
const FEED = "Feed an encryption engine from the same responses";
/** Long enough for RxJS to report an unhandled error. */
const soon = () => new Promise((resolve) => setTimeout(resolve, 100));

describe("the README's composition", () => {
  const app = applicationInTest();

  it("prints which devices get a message, and which do not", async () => {
    app().start();
    await until(() => expect(app().lines).toHaveLength(1));
    expect(app().lines).toEqual([
      "log [] [] [" +
        `{"userId":"${ALICE}","deviceId":"PHONE","reason":"unsigned","withheld":"m.unverified"},` +
        `{"userId":"${BOB}","deviceId":"PHONE","reason":"unsigned","withheld":"m.unverified"}] []`,
    ]);
    expect(app().unhandled).toEqual([]);
  });

  it("sends again without waiting for the server", async () => {
    app().start();
    await until(() => expect(app().lines).toHaveLength(1));
    const requests = app().server.requests.length;
    app().sendAgain();
    await soon();
    expect(app().lines).toHaveLength(2);
    expect(app().server.requests).toHaveLength(requests);
  });

  it("saves to-device messages before the poll that acknowledges them", async () => {
    const saved: unknown[] = [];
    let finish = () => {};
    const save = (message: unknown) => {
      saved.push(message);
      return new Promise<void>((resolve) => (finish = resolve));
    };
    app().start({ application: { inbox: { save } } });
    await until(() => expect(saved).toEqual([{ events: [{ type: "s1" }] }]));
    await soon();
    expect(app().polls).toHaveLength(1);
    finish();
    await until(() => expect(app().polls[1]?.query.since).toBe("s1"));
  });

  it("goes on with a new access token when the old one is refused", async () => {
    app().token = "second";
    const session = {
      userId: "@alice:example.org",
      deviceId: "ALICES",
      accessToken: "first",
      refresh: () => Promise.resolve((session.accessToken = "second")),
    };
    app().start({ application: { session } });
    await until(() => expect(app().lines).toEqual([expect.stringMatching(/^log /u)]));
  });

  it("says what is wrong if nothing listens at the URL", async () => {
    await app().server.stop();
    app().start();
    await until(() => expect(app().lines).not.toEqual([]));
    await soon();
    expect(app().lines).toEqual([expect.stringMatching(/^warn sync-failed sync attempt 1 failed, .*ECONNREFUSED/u)]);
    expect(app().unhandled).toEqual([]);
  });

  it("says what is wrong if there is something else at the URL", async () => {
    app().start({ url: `${app().server.url}/blog` });
    await until(() => expect(app().lines).not.toEqual([]));
    await soon();
    expect(app().lines).toEqual([expect.stringMatching(/^warn sync-failed sync attempt 1 failed, .*404/u)]);
    expect(app().unhandled).toEqual([]);
  });

  it("says that the login has ended, and throws nothing", async () => {
    app().token = "another";
    app().start();
    await until(() => expect(app().lines).not.toEqual([]));
    await soon();
    expect(app().lines).toEqual([expect.stringMatching(/^warn sync-ended .*M_UNKNOWN_TOKEN/u)]);
    expect(app().unhandled).toEqual([]);
  });
});

describe("the README's first lines", () => {
  const app = applicationInTest();
  const ours = `{"userId":"${ALICE}","deviceId":"PHONE","reason":"unsigned","withheld":"m.unverified"}`;

  it("print who gets a message in a page, and end with a log-out", async () => {
    app().start({ title: "In a page" });
    await until(() =>
      expect(app().lines).toEqual([expect.stringMatching(/^log \{"devices":\[\],"leftOut":\[.*"userId":"@bob/u)]),
    );
    expect(app().lines[0]).toContain(ours);
    app().constant<() => Observable<never>>("logOut")().subscribe();
    await until(() => expect(app().lines).toContainEqual(expect.stringMatching(/^login/u)));
    const saved = await firstValueFrom(idbStore(`devices/${ALICE}`).readKinds(["account", "list"]));
    expect(saved).toEqual([new Map(), new Map()]);
    expect(app().unhandled).toEqual([]);
  });

  it("print who gets a message of a bot, and keep it for the next start", async () => {
    vi.stubGlobal("indexedDB", undefined);
    const tracker = app().start({ title: "In a bot" });
    await until(() => expect(app().lines).toContainEqual(expect.stringContaining(ours)));
    tracker.close();
    const again = app().start({ title: "In a bot" });
    const known = await firstValueFrom(again.getKnownDeviceKeys([BOB]));
    expect([...(known.get(BOB)?.deviceKeys.keys() ?? [])]).toEqual(["PHONE"]);
    expect(app().unhandled).toEqual([]);
  });
});

describe("the access token of another user", () => {
  const app = applicationInTest();

  it.each(["In a page", "In a bot", "Piece by piece"])("brings nothing into the store (%s)", async (title) => {
    app().owner = BOB;
    const tracker = app().start({ title });
    await until(() =>
      expect(app().lines).toContainEqual(expect.stringContaining(`is that of ${BOB}, not of ${ALICE}`)),
    );
    await soon();
    expect(app().polls).toEqual([]);
    expect(await firstValueFrom(tracker.getKnownDeviceKeys([BOB]))).toEqual(new Map());
    expect(app().unhandled).toEqual([]);
  });
});

describe("a recipe", () => {
  const app = applicationInTest();

  it("shows devices, and each change of them", async () => {
    app().start();
    app().recipe("Show devices, live");
    await until(() => expect(app().lines).toContainEqual(expect.stringMatching(/^show .*"freshness":"current"/u)));
    expect(app().lines).toContain(`notify ${BOB} {"added":["PHONE"],"removed":[]}`);
    expect(app().unhandled).toEqual([]);
  });

  it("serves an OlmMachine", async () => {
    await initAsync();
    const machine = await OlmMachine.initialize(new UserId(ALICE), new DeviceId("ALICES"));
    const http = matrixHttp({ homeserverUrl: app().server.url, accessToken: "first" });
    const application = { machine, http, store: memoryStore(), userId: ALICE };
    const { tracker } = app().recipe("Serve an OlmMachine", application) as { tracker: DeviceTracker };
    tracker.track([BOB]).subscribe();
    const asked = async () => (await machine.outgoingRequests()).map(({ type }) => type);
    const tracked = async () => Array.from(await machine.trackedUsers(), String).sort();
    await vi.waitFor(async () => expect(await tracked()).toEqual([ALICE, BOB]));
    await vi.waitFor(async () => expect(await asked()).toEqual([RequestType.KeysUpload]));
    await app().answerPoll("s2", [BOB]);
    await vi.waitFor(() => expect(app().polls.at(-1)?.query.since).toBe("s2"));
    await vi.waitFor(async () => expect(await asked()).toEqual([RequestType.KeysUpload]));
    expect(app().lines).toEqual([]);
    expect(app().unhandled).toEqual([]);
  });

  it("gives another engine each part of a response in the order that is safe", async () => {
    const seen: string[] = [];
    const freshness = async () => (await firstValueFrom(tracker.getKnownDeviceKeys([BOB]))).get(BOB)?.freshness;
    const engine = {
      receiveToDevice: async ({ to_device }: { to_device: { events: { type: string }[] } }) => {
        await soon();
        seen.push(`messages ${to_device.events[0]?.type} ${await freshness()}`);
      },
      deviceListsChanged: async (lists: DeviceLists | undefined) => {
        if (lists?.changed !== undefined) seen.push(`lists ${lists.changed.join()} ${await freshness()}`);
      },
    };
    const first = app().start();
    await until(() => expect(app().lines).toHaveLength(1)); // Bob's list is saved
    first.close();
    await until(() => expect(app().polls.at(-1)?.aborted).toBe(true));
    const { tracker } = app().recipe(FEED, { engine }) as { tracker: DeviceTracker };
    await firstValueFrom(tracker.getDeviceKeys([BOB])); // now in memory, which answers at once
    await app().answerPoll("s2", [BOB]);
    await until(() => expect(seen).toEqual(["messages s2 current", `lists ${BOB} outdated`]));
    expect(app().unhandled).toEqual([]);
  });

  it("follows device lists beside another loop, and acknowledges nothing", async () => {
    const http = matrixHttp({ homeserverUrl: app().server.url, accessToken: "first" });
    const application = { http, store: memoryStore(), userId: ALICE };
    const { tracker } = app().recipe("Run it beside your own sync loop", application) as { tracker: DeviceTracker };
    await firstValueFrom(tracker.caughtUp$);
    tracker.track([BOB]).subscribe(); // after the first response
    const freshness = async () => (await firstValueFrom(tracker.getKnownDeviceKeys([BOB]))).get(BOB)?.freshness;
    await firstValueFrom(tracker.getDeviceKeys([BOB]));
    expect(await freshness()).toBe("current");
    await app().answerPoll("p2", [BOB]);
    await vi.waitFor(async () => expect(await freshness()).toBe("outdated"));
    expect(new Set(app().polls.map(({ method }) => method))).toEqual(new Set(["POST"]));
    expect(app().unhandled).toEqual([]);
  });

  it("reacts to a connection that is lost, and to a login that has ended", async () => {
    app().token = "another";
    const tracker = app().start();
    app().recipe("React to problems");
    await until(() => expect(app().lines).toContainEqual(expect.stringMatching(/^login .*M_UNKNOWN_TOKEN/u)));
    await app().server.stop();
    tracker.connect();
    await until(() => expect(app().lines).toContainEqual(expect.stringMatching(/^offline \d+$/u)));
    expect(app().unhandled).toEqual([]);
  });

  it("logs out: nothing is saved or sent any more", async () => {
    app().start();
    await until(() => expect(app().lines).toHaveLength(1));
    const requests = app().server.requests.length;
    app().recipe("Log out");
    const store = app().constant<DeviceStore>("store");
    await vi.waitFor(async () => {
      const saved = await firstValueFrom(store.readKinds(["account", "list"]));
      expect(saved).toEqual([new Map(), new Map()]);
    });
    await soon();
    expect(app().server.requests).toHaveLength(requests);
    expect(app().unhandled).toEqual([]);
  });

  it("runs in virtual time", () => {
    expect.assertions(1);
    app().recipe("Test your code in virtual time", { expect });
  });
});
