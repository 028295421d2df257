import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { idbStore } from "matrix-device-tracker/idb";
import type { RoomRecipients } from "matrix-device-tracker/rooms";
import { firstValueFrom } from "rxjs";
import { afterEach, expect, it, vi } from "vitest";
import { call } from "./client.js";
import { nameOf } from "./name-of.js";
import { OutboundSession } from "./outbound-session.js";
import { Person } from "./person.js";
import { onSynapse } from "./real-homeserver.js";
import { RoomApplication } from "./room-application.js";
import { roomTruth } from "./room-truth.js";

/** Between two servers a change takes a little longer, in ms. */
const SOON = { timeout: 10_000, interval: 20 };
const TIMEOUT = { timeout: 60_000 };

/** Members of a large room, on our server and on the other one. */
const LOCAL_MEMBERS = 200;
const REMOTE_MEMBERS = 100;
/** People who register and join at a time. */
const AT_A_TIME = 8;
/** More events than a timeline has. */
const MANY = 30;

const NOTHING = { rotated: [], given: [] };

onSynapse("the recipients in an encrypted room", { servers: 2 }, ({ servers }) => {
  const applications: RoomApplication[] = [];
  afterEach(() => {
    for (const application of applications.splice(0)) application.close();
  });

  const open = async (...options: ConstructorParameters<typeof RoomApplication>): Promise<RoomApplication> => {
    const application = new RoomApplication(...options);
    applications.push(application);
    return await application.start();
  };

  /** A person who has one device with keys. */
  const personOn = async (server: number, name: string): Promise<Person> => {
    const person = await Person.register(servers[server]!.url, name);
    await person.uploadKeys(await person.logIn());
    return person;
  };

  /** Alice and her application, and people on the other server. */
  async function scene(options: { readonly isLazy?: boolean } = {}) {
    const { url, serverName } = servers[0]!;
    const alice = await Person.register(url, "alice");
    const [bob, carol, dave] = await Promise.all([personOn(1, "bob"), personOn(1, "carol"), personOn(0, "dave")]);
    const roomId = await alice.createEncryptedRoom();
    for (const person of [bob, carol]) await person.join(roomId, serverName);
    const session = { url, userId: alice.userId, login: await alice.logIn(), ...options };
    const people = new Map([alice, bob, carol, dave].map((person) => [person.userId, person]));

    /** What an application says of the recipients, which must be what the server's state says. */
    const recipients = async (app: RoomApplication, id = roomId): Promise<RoomRecipients> => {
      const now = await app.recipients(id);
      const { joined, invited, historyVisibility, encryption, devices } = now;
      const said = { joined: joined.toSorted(), invited: invited.toSorted(), historyVisibility };
      const truth = await roomTruth(alice, id);
      expect({ ...said, algorithm: encryption.algorithm }).toEqual(truth);
      const readers = truth.historyVisibility === "joined" ? truth.joined : [...truth.joined, ...truth.invited];
      const live = readers.flatMap((userId) => liveDevices(people.get(userId)));
      expect(devices.map(({ deviceId }) => deviceId).toSorted()).toEqual(live.toSorted());
      return now;
    };
    /** Resolves once our server has the membership, and the application has applied it. */
    const settled = async (app: RoomApplication, person: Person, membership: "joined" | "gone", id = roomId) => {
      await expect
        .poll(async () => (await roomTruth(alice, id)).joined.includes(person.userId), SOON)
        .toBe(membership === "joined");
      await app.hasApplied(await alice.say(id, "a mark"));
    };
    return { alice, bob, carol, dave, roomId, session, people, recipients, settled, serverName };
  }

  it("are hundreds of members, fetched once and kept", { timeout: 600_000 }, async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    vi.stubGlobal("IDBKeyRange", IDBKeyRange);
    const { alice, roomId, session, people, recipients, serverName } = await scene();
    const began = performance.now();
    const join = async (number: number) => {
      const member = await personOn(number < LOCAL_MEMBERS ? 0 : 1, `member${number}`);
      await member.join(roomId, serverName);
      people.set(member.userId, member);
    };
    await inParallel(LOCAL_MEMBERS + REMOTE_MEMBERS, join);
    await expect
      .poll(async () => (await roomTruth(alice, roomId)).joined.length, SOON)
      .toBe(LOCAL_MEMBERS + REMOTE_MEMBERS + 3);
    const figures = [`all joined after ${since(began)}`];
    const timed = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
      const start = performance.now();
      const result = await run();
      figures.push(`${what} ${since(start)}`);
      return result;
    };

    const store = () => idbStore(`devices/${alice.userId}`);
    const first = await timed("initial sync", () => open({ ...session, store: store() }));
    const { uncertain } = await timed("first answer", () => first.recipients(roomId));
    const outbound = new OutboundSession(await timed("second answer", () => first.recipients(roomId)));
    await timed("third answer", () => first.recipients(roomId));
    await recipients(first);
    expect(first.requests).toMatchObject({ members: 1, state: 0 });
    await first.isSaved();
    const { query } = first.requests;
    first.close();

    const second = await timed("restart", () => open({ ...session, store: store() }));
    const now = await timed("first answer after it", () => second.recipients(roomId));
    expect(outbound.send(now)).toEqual(NOTHING);
    await recipients(second);
    expect(second.requests).toMatchObject({ members: 0, state: 0 });
    console.info(`${now.joined.length} members: ${figures.join(", ")}`);
    // The other server's users are announced when they are queried for the first time.
    console.info(`${uncertain.length} uncertain at first; ${query} and ${second.requests.query} queries`);
    expect([...first.problems, ...second.problems]).toEqual([]);
  });

  it("include a user we have just invited, and exclude one we have just removed", TIMEOUT, async () => {
    const { alice, bob, dave, roomId, session, recipients, settled } = await scene();
    const app = await open(session);
    const outbound = new OutboundSession(await recipients(app));
    const release = app.hold("sync");

    await alice.invite(roomId, dave.userId);
    app.rooms.memberChanged(roomId, dave.userId, "invite").subscribe();
    expect(outbound.send(await recipients(app))).toEqual({ rotated: [], given: ["dave"] });
    await alice.kick(roomId, bob.userId);
    app.rooms.memberChanged(roomId, bob.userId, "leave").subscribe();
    expect(outbound.send(await recipients(app))).toEqual({ rotated: ["user-left bob"], given: ["carol", "dave"] });

    release();
    await settled(app, bob, "gone");
    expect(outbound.send(await recipients(app))).toEqual(NOTHING);
    await dave.join(roomId, servers[0]!.serverName);
    await settled(app, dave, "joined");
    expect(outbound.send(await recipients(app))).toEqual(NOTHING);
    expect(app.requests.members).toBe(1);
    expect(app.problems).toEqual([]);
  });

  it("exclude a user we removed while the response with their return was on its way", TIMEOUT, async () => {
    const { alice, bob, dave, roomId, session, recipients, settled, serverName } = await scene();
    const app = await open(session);
    const outbound = new OutboundSession(await recipients(app));
    const release = app.hold("sync");
    await dave.join(roomId, serverName);
    await alice.kick(roomId, dave.userId);
    app.rooms.memberChanged(roomId, dave.userId, "leave").subscribe();
    await alice.kick(roomId, bob.userId);
    app.rooms.memberChanged(roomId, bob.userId, "leave").subscribe();
    await alice.invite(roomId, bob.userId);
    app.rooms.memberChanged(roomId, bob.userId, "invite").subscribe();
    expect(outbound.send(await recipients(app))).toEqual({ rotated: ["user-left bob"], given: ["bob", "carol"] });
    release();
    await settled(app, dave, "gone");
    const { given } = outbound.send(await recipients(app));
    expect(["", "bob carol"]).toContain(given.join(" ")); // the same departure may count twice
    expect(outbound.send(await recipients(app))).toEqual(NOTHING);
    expect(app.problems).toEqual([]);
  });

  it("need another session after a user left and came back while we were offline", TIMEOUT, async () => {
    const { alice, bob, roomId, session, recipients, serverName } = await scene();
    const first = await open(session);
    const outbound = new OutboundSession(await recipients(first));
    await first.isSaved();
    first.close();
    await bob.leave(roomId);
    await expect.poll(async () => (await roomTruth(alice, roomId)).joined, SOON).not.toContain(bob.userId);
    await bob.join(roomId, serverName);
    await expect.poll(async () => (await roomTruth(alice, roomId)).joined, SOON).toContain(bob.userId);

    const second = await open({ ...session, store: first.store });
    expect(outbound.send(await recipients(second))).toEqual({ rotated: ["user-left bob"], given: ["bob", "carol"] });
    expect(second.requests.members).toBe(0);
    expect(second.problems).toEqual([]);
  });

  it.each([true, false])("survive a timeline with gaps (lazy loading: %s)", TIMEOUT, async (isLazy) => {
    const { alice, bob, carol, dave, roomId, session, recipients, serverName } = await scene({ isLazy });
    const first = await open(session);
    const outbound = new OutboundSession(await recipients(first));
    await first.isSaved();
    first.close();
    await carol.leave(roomId);
    await bob.leave(roomId);
    await expect.poll(async () => (await roomTruth(alice, roomId)).joined, SOON).toEqual([alice.userId]);
    await bob.join(roomId, serverName);
    await dave.join(roomId, serverName);
    for (let i = 0; i < MANY; i++) await alice.say(roomId, `message ${i}`);

    const second = await open({ ...session, store: first.store });
    // With lazy loading, the server neither shows that Carol left nor names her in device_lists.left.
    const now = await recipients(second);
    expect(await firstValueFrom(second.tracker.trackedUsers$)).toEqual(new Set(now.joined));
    const { rotated, given } = outbound.send(now);
    // Bob left and came back in what was cut off, in which we have not sent anything.
    expect(rotated.filter((reason) => reason !== "user-left bob")).toEqual(["user-left carol"]);
    expect(given).toEqual(["bob", "dave"]);
    expect(second.requests.members).toBe(isLazy ? 1 : 0);
    expect(second.problems).toEqual([]);
  });

  it("follow the history visibility", TIMEOUT, async () => {
    const { alice, dave, roomId, session, recipients, settled, bob } = await scene();
    await alice.invite(roomId, dave.userId);
    const app = await open(session);
    const outbound = new OutboundSession(await recipients(app));
    const set = async (visibility: "joined" | "shared" | "invited" | "world_readable") => {
      await alice.setVisibility(roomId, visibility);
      await settled(app, bob, "joined");
      return outbound.send(await recipients(app));
    };
    expect(await set("joined")).toEqual({
      rotated: ["user-excluded dave", "visibility-changed shared joined"],
      given: ["bob", "carol"],
    });
    expect(await set("invited")).toEqual({ rotated: [], given: ["dave"] });
    const everyone = ["bob", "carol", "dave"];
    expect(await set("shared")).toEqual({ rotated: ["visibility-changed invited shared"], given: everyone });
    expect(await set("world_readable")).toEqual(NOTHING);
    expect(app.problems).toEqual([]);
  });

  it("include who joins while members are fetched, and exclude who leaves", TIMEOUT, async () => {
    const { bob, dave, roomId, session, recipients, settled, serverName } = await scene();
    const app = await open(session);
    const release = app.hold("members");
    const answer = app.recipients(roomId);
    await vi.waitFor(() => expect(app.requests.members).toBe(1), SOON);
    await dave.join(roomId, serverName);
    await bob.leave(roomId);
    await settled(app, bob, "gone");
    release();
    expect((await answer).joined.map(nameOf).toSorted()).toEqual(["alice", "carol", "dave"]);
    await recipients(app);
    expect(app.requests.members).toBe(1);
    expect(app.problems).toEqual([]);
  });

  it("exist once encryption is switched on in a room", TIMEOUT, async () => {
    const { alice, bob, carol, session, recipients, settled, serverName } = await scene();
    const roomId = await alice.createUnencryptedRoom();
    for (const person of [bob, carol]) await person.join(roomId, serverName);
    const app = await open(session);
    await expect(app.recipients(roomId)).rejects.toMatchObject({ name: "RoomError", reason: "not-encrypted" });
    await alice.encrypt(roomId);
    await settled(app, bob, "joined", roomId);
    const { joined } = await recipients(app, roomId);
    expect(joined.map(nameOf).toSorted()).toEqual(["alice", "bob", "carol"]);
    expect(app.problems).toEqual([]);
  });

  it("are fetched again after a token was jumped over", TIMEOUT, async () => {
    const { alice, bob, carol, dave, roomId, session, recipients, serverName } = await scene();
    const first = await open(session);
    const outbound = new OutboundSession(await recipients(first));
    await first.isSaved();
    first.close();
    await alice.setVisibility(roomId, "invited");
    await carol.leave(roomId);
    await bob.leave(roomId);
    await expect.poll(async () => (await roomTruth(alice, roomId)).joined, SOON).toEqual([alice.userId]);
    await bob.join(roomId, serverName);
    await dave.join(roomId, serverName);
    await alice.say(roomId, "what another loop was given");
    const { accessToken: token } = session.login;
    const { next_batch } = await call(session.url, "GET", "/sync?timeout=0", { token });

    const second = await open({ ...session, store: first.store, since: next_batch as string });
    expect(outbound.send(await recipients(second))).toEqual({
      rotated: ["responses-missed", "user-left carol", "visibility-changed shared invited"],
      given: ["bob", "dave"],
    });
    expect(second.requests.members).toBe(1);
    expect(second.problems.map(({ type }) => type)).toEqual(["gap"]);
  });

  it("are two users of another server, one of whom logs in with another device", TIMEOUT, async () => {
    const { bob, roomId, session, recipients } = await scene();
    const app = await open(session);
    const outbound = new OutboundSession(await recipients(app));
    const shown = async () => (await app.recipients(roomId)).devices.map(({ userId }) => nameOf(userId)).toSorted();
    const laptop = await bob.logIn();
    await bob.uploadKeys(laptop);
    await expect.poll(shown, SOON).toEqual(["bob", "bob", "carol"]);
    expect(outbound.send(await recipients(app))).toEqual({ rotated: [], given: ["bob"] });
    await bob.logOut(laptop);
    await expect.poll(shown, SOON).toEqual(["bob", "carol"]);
    expect(outbound.send(await recipients(app))).toEqual({ rotated: ["device-removed bob"], given: ["bob", "carol"] });
    expect(app.requests.members).toBe(1);
    expect(app.problems).toEqual([]);
  });

  it("are known of a room of another server that we join, and not after we are removed", TIMEOUT, async () => {
    const { alice, bob, carol, dave, session, recipients, settled } = await scene();
    const app = await open(session);
    const { serverName } = servers[1]!;
    const roomId = await bob.createEncryptedRoom();
    for (const person of [carol, dave]) await person.join(roomId, serverName);
    await expect(app.recipients(roomId)).rejects.toMatchObject({ reason: "not-joined" });
    await alice.join(roomId, serverName);
    await settled(app, bob, "joined", roomId);
    const outbound = new OutboundSession(await recipients(app, roomId));

    await bob.kick(roomId, alice.userId);
    const answer = () => app.recipients(roomId).catch((error: unknown) => error);
    await expect.poll(answer, SOON).toMatchObject({ reason: "not-joined" });
    await carol.leave(roomId);
    await carol.join(roomId, serverName);
    await alice.join(roomId, serverName);
    await settled(app, carol, "joined", roomId);
    const everyone = ["bob", "carol", "dave"];
    expect(outbound.send(await recipients(app, roomId))).toEqual({ rotated: ["responses-missed"], given: everyone });
    expect(app.problems).toEqual([]);
  });
});

const liveDevices = (person: Person | undefined): readonly string[] =>
  (person?.devices ?? []).flatMap(({ deviceId, loggedOut }) => (loggedOut === undefined ? [deviceId] : []));

const since = (start: number): string => `${(performance.now() - start).toFixed()} ms`;

async function inParallel(count: number, run: (number: number) => Promise<void>): Promise<void> {
  const numbers = Array.from({ length: count }, (_, number) => number).values();
  const runNext = async () => {
    for (const number of numbers) await run(number);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, runNext));
}
