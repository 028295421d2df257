import { setTimeout as sleep } from "node:timers/promises";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { idbStore } from "matrix-device-tracker/idb";
import { expect, it, vi } from "vitest";
import { Random } from "../support/random.js";
import { SEED } from "../support/seed.js";
import { onSynapse } from "./real-homeserver.js";
import { Person } from "./person.js";
import { describeLatencies, latencies, staleLists } from "./truth.js";

/** From one login to the next, in ms: from two at once to a pause that outlasts a poll. In random order. */
const PAUSES = [0, 40, 150, 600, 1_500, 4_000, 9_000, 11_000, 31_000, 61_000];
/** From a login to its keys, and from its keys to its log-out, in ms. */
const UNTIL_KEYS = [0, 600] as const;
const UNTIL_LOGOUT = [2_500, 20_000] as const;
const SOON = { timeout: 5_000, interval: 20 };
/** The latest at which a watcher shows a change, in ms. */
const LATEST = 2_000;

onSynapse("a watcher of a person who logs in and out", {}, ({ servers, application }) => {
  it("shows each login and log-out within 2 s, and no list as current that is not", { timeout: 300_000 }, async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    vi.stubGlobal("IDBKeyRange", IDBKeyRange);
    const { url, serverName } = servers[0]!;
    const random = new Random(SEED);
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    await bob.join(await alice.createEncryptedRoom(), serverName);
    const stores = { memory: undefined, idb: idbStore(`devices/${alice.userId}`) };
    const applications = [];
    for (const [name, store] of Object.entries(stores)) {
      const { accessToken } = await alice.logIn();
      const app = application({ url, userId: alice.userId, accessToken, ...(store !== undefined && { store }) });
      app.start([bob.userId]);
      applications.push({ name, app });
    }
    for (const { app } of applications) await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");

    const lives: Promise<void>[] = [];
    for (const pause of random.some(PAUSES, PAUSES.length)) {
      await sleep(pause);
      const [untilKeys, untilLogout] = [random.between(...UNTIL_KEYS), random.between(...UNTIL_LOGOUT)];
      const live = async () => {
        const login = await bob.logIn();
        await sleep(untilKeys);
        await bob.uploadKeys(login);
        await sleep(untilLogout);
        await bob.logOut(login);
      };
      lives.push(live());
    }
    await Promise.all(lives);
    await sleep(LATEST);

    for (const { name, app } of applications) {
      const measured = latencies(bob.userId, bob.devices, app.seen);
      console.info(`PROPERTY_SEED=${SEED}, ${name}: ${describeLatencies(measured)}, ${app.polls} polls`);
      expect(app.problems).toEqual([]);
      expect(staleLists(bob.userId, bob.devices, app.seen)).toEqual([]);
      expect(measured.filter(({ login, logout = Infinity }) => Math.max(login, logout) > LATEST)).toEqual([]);
      expect(app.shown(bob.userId)).toBe("0 current");
    }
    expect(bob.devices).toHaveLength(PAUSES.length);
  });

  it("sees a login announced twice, and shows the keys that come with the second", { timeout: 60_000 }, async () => {
    const { url, serverName } = servers[0]!;
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    await bob.join(await alice.createEncryptedRoom(), serverName);
    const { accessToken } = await alice.logIn();
    const app = application({ url, userId: alice.userId, accessToken });
    const steps = () => app.stepsWith(bob.userId, "changed");
    app.start([bob.userId]);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");

    const before = steps();
    const login = await bob.logIn();
    await expect.poll(steps, SOON).toBe(before + 1);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");
    const { deviceId } = await bob.uploadKeys(login);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("1 current");
    expect(steps()).toBe(before + 2);
    expect(await app.devicesOf(bob.userId)).toEqual([deviceId]);
    expect(latencies(bob.userId, bob.devices, app.seen).every(({ login: time }) => time <= LATEST)).toBe(true);
  });
});
