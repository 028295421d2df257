import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { idbStore } from "matrix-device-tracker/idb";
import { beforeEach, expect, it, vi } from "vitest";
import { Person } from "./person.js";
import { onSynapse } from "./real-homeserver.js";
import { staleLists } from "./truth.js";

/** Seconds, not the time of a poll, which a real server holds for 30 s. */
const SOON = { timeout: 5_000, interval: 20 };

onSynapse("a watcher that begins with the connection", {}, ({ servers, application }) => {
  beforeEach(() => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    vi.stubGlobal("IDBKeyRange", IDBKeyRange);
  });

  it("shows current lists within seconds, also after a restart", { timeout: 60_000 }, async () => {
    const { url, serverName } = servers[0]!;
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    await bob.join(await alice.createEncryptedRoom(), serverName);
    const phone = await bob.logIn();
    await bob.uploadKeys(phone);
    const { accessToken } = await alice.logIn();
    const session = { url, userId: alice.userId, accessToken };
    const store = () => idbStore(`devices/${alice.userId}`);

    const first = application({ ...session, store: store() });
    const firstStart = performance.now();
    first.start([bob.userId]);
    await expect.poll(() => first.shown(bob.userId), SOON).toBe("1 current");
    const firstTime = performance.now() - firstStart;
    first.close();

    await bob.uploadKeys(await bob.logIn());
    await bob.logOut(phone);
    await bob.uploadKeys(await bob.logIn());
    const second = application({ ...session, store: store() });
    const secondStart = performance.now();
    second.start([bob.userId]);
    await expect.poll(() => second.shown(bob.userId), SOON).toBe("2 current");
    const secondTime = performance.now() - secondStart;

    console.info(`current after ${firstTime.toFixed()} ms, after a restart after ${secondTime.toFixed()} ms`);
    for (const { problems, seen } of [first, second]) {
      expect(problems).toEqual([]);
      expect(staleLists(bob.userId, bob.devices, seen)).toEqual([]);
    }
  });
});
