import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { memoryStore, type UserId } from "matrix-device-tracker";
import { matrixHttp, syncResponses } from "matrix-device-tracker/http";
import { firstValueFrom, map } from "rxjs";
import { expect, it } from "vitest";
import { call } from "./client.js";
import { Person, type Login } from "./person.js";
import { onSynapse } from "./real-homeserver.js";
import { describeLatencies, latencies, staleLists } from "./truth.js";

/** Seconds, not the time of a poll, which a real server holds for 30 s. */
const SOON = { timeout: 5_000, interval: 20 };
const TIMEOUT = { timeout: 90_000 };
/** Long enough for a server that does not hold polls to be polled again and again, in ms. */
const QUIET = 5_000;
/** To-device messages, and four times as many as logins, while two loops run. */
const MANY = 60;

let requests = 0;

/** The application's own sync loop: the types of the to-device messages in its next response. */
async function sync(url: string, token: string, since?: string) {
  const query = since === undefined ? "" : `&since=${encodeURIComponent(since)}`;
  // Synapse repeats its last response to the same request; with another timeout, it is another request.
  const { next_batch, to_device } = await call(url, "GET", `/sync?timeout=${++requests}${query}`, { token });
  const { events = [] } = (to_device ?? {}) as { readonly events?: readonly { readonly type: string }[] };
  return { next: next_batch as string, messages: events.map(({ type }) => type) };
}

interface SlidingResponse {
  readonly pos: string;
  readonly rooms: object;
  readonly extensions: {
    readonly to_device: { readonly events: readonly { readonly type: string }[]; readonly next_batch: string };
  };
}

/** A sliding sync of the application's own, with rooms and to-device messages. */
async function slidingSync(
  url: string,
  token: string,
  { pos, since }: { readonly pos: string | undefined; readonly since: string | undefined },
): Promise<SlidingResponse> {
  const query = pos === undefined ? "" : `&pos=${encodeURIComponent(pos)}`;
  const lists = { all: { ranges: [[0, 9]], required_state: [], timeline_limit: 1 } };
  const extensions = { to_device: { enabled: true, since }, e2ee: { enabled: true } };
  const response = await fetch(`${url}/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0${query}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ lists, extensions }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as SlidingResponse;
}

async function sendToDevice(url: string, sender: Login, userId: UserId, { deviceId }: Login, type: string) {
  const body = { messages: { [userId]: { [deviceId]: { body: "a room key" } } } };
  await call(url, "PUT", `/sendToDevice/${type}/${randomUUID()}`, { token: sender.accessToken, body });
}

onSynapse("sliding sync beside the application's own loop", {}, ({ servers, application }) => {
  /** Alice, whose tracker is tested, and Bob in a room. */
  async function scene() {
    const { url, serverName } = servers[0]!;
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    const roomId = await alice.createEncryptedRoom();
    await bob.join(roomId, serverName);
    const login = await alice.logIn();
    const session = { url, userId: alice.userId, accessToken: login.accessToken, sliding: {} };
    return { url, serverName, alice, bob, roomId, login, session };
  }

  it("shows logins, log-outs, arrivals and departures, and polls no more than it must", TIMEOUT, async () => {
    const { url, serverName, alice, bob, roomId, login, session } = await scene();
    const body = { one_time_keys: { "curve25519:AAAA": "unused keys are in every response" } };
    await call(url, "POST", "/keys/upload", { token: login.accessToken, body });
    const app = application(session);
    app.start([bob.userId]);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");

    const { polls } = app;
    await sleep(QUIET);
    expect(app.polls - polls).toBeLessThanOrEqual(1);
    for (const pause of [0, 300, 2_000]) {
      const phone = await bob.logIn();
      await bob.uploadKeys(phone);
      await expect.poll(() => app.shown(bob.userId), SOON).toBe("1 current");
      await sleep(pause);
      await bob.logOut(phone);
      await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");
    }
    const carol = await Person.register(url, "carol");
    await carol.uploadKeys(await carol.logIn());
    await carol.join(roomId, serverName);
    await expect.poll(() => app.stepsWith(carol.userId, "changed"), SOON).toBeGreaterThan(0);
    await bob.leave(roomId);
    await expect.poll(() => app.stepsWith(bob.userId, "left"), SOON).toBeGreaterThan(0);
    const tracked = await firstValueFrom(app.tracker.trackedUsers$);
    expect([...tracked].toSorted()).toEqual([alice.userId, carol.userId].toSorted());
    await bob.join(roomId, serverName);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");

    console.info(`by sliding sync: ${describeLatencies(latencies(bob.userId, bob.devices, app.seen))}`);
    expect(app.problems).toEqual([]);
    expect(staleLists(bob.userId, bob.devices, app.seen)).toEqual([]);
  });

  it("loses no to-device message, whichever loop is first", TIMEOUT, async () => {
    const { url, bob, login, session } = await scene();
    const sender = await bob.logIn();
    const own = await sync(url, login.accessToken);
    const app = application(session);
    app.start([bob.userId]);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");
    const poll = async () => {
      const before = app.stepsWith(bob.userId, "changed");
      await bob.uploadKeys(await bob.logIn());
      await expect.poll(() => app.stepsWith(bob.userId, "changed"), SOON).toBeGreaterThan(before);
    };

    await sendToDevice(url, sender, session.userId, login, "first");
    await poll(); // first this loop
    const withFirst = await sync(url, login.accessToken, own.next);
    expect(withFirst.messages).toEqual(["first"]);
    await sendToDevice(url, sender, session.userId, login, "second");
    await poll(); // then the other one, whose response is lost
    expect((await sync(url, login.accessToken, own.next)).messages).toEqual(["first", "second"]);
    const withSecond = await sync(url, login.accessToken, withFirst.next);
    expect(withSecond.messages).toEqual(["second"]);
    await poll();
    expect((await sync(url, login.accessToken, withFirst.next)).messages).toEqual(["second"]);
    // A message that was acknowledged is gone: a loss would have been seen.
    expect((await sync(url, login.accessToken, withSecond.next)).messages).toEqual([]);
    expect((await sync(url, login.accessToken, own.next)).messages).toEqual([]);
    expect(app.problems).toEqual([]);
  });

  it("loses none of many messages while both loops run", TIMEOUT, async () => {
    const { url, bob, login, session } = await scene();
    const sender = await bob.logIn();
    const app = application(session);
    app.start([bob.userId]);
    const received: string[] = [];
    const http = matrixHttp({ homeserverUrl: url, accessToken: login.accessToken });
    const own = syncResponses(http).subscribe(({ to_device }) => {
      const { events = [] } = (to_device ?? {}) as { readonly events?: readonly { readonly type: string }[] };
      received.push(...events.map(({ type }) => type));
    });
    const sent = Array.from({ length: MANY }, (_, number) => `message-${number}`);
    for (const [number, type] of sent.entries()) {
      await sendToDevice(url, sender, session.userId, login, type);
      if (number % 4 === 0) await bob.uploadKeys(await bob.logIn());
    }
    await expect.poll(() => received.toSorted(), SOON).toEqual(sent.toSorted());
    await expect.poll(() => app.shown(bob.userId), SOON).toBe(`${MANY / 4} current`);
    own.unsubscribe();
    expect(app.problems).toEqual([]);
    expect(staleLists(bob.userId, bob.devices, app.seen)).toEqual([]);
  });

  it("disturbs no sliding sync of the application's own", TIMEOUT, async () => {
    const { url, bob, roomId, login, session } = await scene();
    const sender = await bob.logIn();
    const app = application(session);
    app.start([bob.userId]);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");
    let [pos, since]: (string | undefined)[] = [];
    const received: string[] = [];
    for (const type of ["first", "second", "third"]) {
      await sendToDevice(url, sender, session.userId, login, type);
      await bob.say(roomId, type);
      await bob.uploadKeys(await bob.logIn());
      await expect.poll(() => app.shown(bob.userId), SOON).toBe(`${received.length + 1} current`);
      const response = await slidingSync(url, login.accessToken, { pos, since });
      expect(Object.keys(response.rooms)).toEqual([roomId]);
      const { events, next_batch } = response.extensions.to_device;
      received.push(...events.map((event) => event.type));
      [pos, since] = [response.pos, next_batch];
    }
    expect(received).toEqual(["first", "second", "third"]);
    expect(app.problems).toEqual([]);
  });

  it("goes on from the saved position after a restart", TIMEOUT, async () => {
    const { url, serverName, bob, roomId, session } = await scene();
    const carol = await Person.register(url, "carol");
    await carol.join(roomId, serverName);
    const store = memoryStore();
    const first = application({ ...session, store });
    first.start([bob.userId, carol.userId]);
    await expect.poll(() => first.shown(carol.userId), SOON).toBe("0 current");
    await expect.poll(() => firstValueFrom(store.syncToken$), SOON).toBeTypeOf("string");
    first.close();

    await bob.uploadKeys(await bob.logIn());
    await carol.leave(roomId);
    const second = application({ ...session, store });
    second.tracker.connect();
    second.watch([bob.userId, carol.userId]);
    await expect.poll(() => second.shown(bob.userId), SOON).toBe("1 current");
    await expect.poll(() => second.shown(carol.userId), SOON).toBe("0 untracked");
    expect(second.gapRequests).toBe(0);
    expect([...first.problems, ...second.problems]).toEqual([]);
    expect(staleLists(bob.userId, bob.devices, second.seen)).toEqual([]);
  });

  it.each(["ask", "distrust"] as const)("starts over from an unknown position (gaps: %s)", TIMEOUT, async (gaps) => {
    const { bob, session } = await scene();
    const store = memoryStore();
    const first = application({ ...session, store });
    first.start([bob.userId]);
    await expect.poll(() => first.shown(bob.userId), SOON).toBe("0 current");
    await expect.poll(() => firstValueFrom(store.syncToken$), SOON).toBeTypeOf("string");
    first.close();

    await bob.uploadKeys(await bob.logIn());
    const from = store.syncToken$.pipe(map((pos = "") => pos.replace(/^\d+/u, "4711")));
    const second = application({ ...session, store, sliding: { from, gaps } });
    second.tracker.connect();
    second.watch([bob.userId]);
    await expect.poll(() => second.shown(bob.userId), SOON).toBe("0 untracked");
    expect(second.problems).toMatchObject([
      { type: "sync-failed", error: { errcode: "M_UNKNOWN_POS" } },
      { type: "gap", caughtUp: false },
    ]);
    expect(second.gapRequests).toBe(gaps === "ask" ? 1 : 0);
    second.tracker.track([bob.userId]).subscribe();
    await expect.poll(() => second.shown(bob.userId), SOON).toBe("1 current");
    await bob.uploadKeys(await bob.logIn());
    await expect.poll(() => second.shown(bob.userId), SOON).toBe("2 current");
    expect(staleLists(bob.userId, bob.devices, second.seen)).toEqual([]);
  });
});
