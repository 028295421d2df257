import { initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import { setTimeout as sleep } from "node:timers/promises";
import { filter, firstValueFrom, map } from "rxjs";
import { afterEach, beforeAll, expect, it } from "vitest";
import { EngineDevice, type SentMessage } from "./engine-device.js";
import { Person } from "./person.js";
import { onSynapse } from "./real-homeserver.js";

const SOON = { timeout: 8_000, interval: 50 };

onSynapse("two people with engines that a tracker serves", {}, ({ servers }) => {
  const opened: EngineDevice[] = [];
  beforeAll(() => initAsync());
  afterEach(() => {
    for (const device of opened.splice(0)) device.close();
  });

  it(
    "read each other's messages through logins, log-outs, an identity reset and a gap",
    { timeout: 180_000 },
    async () => {
      const { url, serverName } = servers[0]!;
      const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
      const room = await alice.createEncryptedRoom();
      await bob.join(room, serverName);
      const members = [alice.userId, bob.userId];
      const logIn = async (person: Person) => {
        const device = await EngineDevice.logIn(person, members);
        opened.push(device);
        return device;
      };
      /** Who is logged in, by name. */
      const there = new Set<EngineDevice>();
      const namesOf = (userId: string) =>
        Array.from(there, ({ name }) => name)
          .filter((name) => name.startsWith(`${userId} `))
          .sort();
      const knows = async (device: EngineDevice) => {
        for (const userId of members) await expect.poll(() => device.devicesOf(userId), SOON).toEqual(namesOf(userId));
        await expect.poll(() => device.isUpToDate(), SOON).toBe(true);
      };
      /** Each device that is there can read the message, and no other one was given its key. */
      const isReadByAll = async (sender: EngineDevice, text: string) => {
        await knows(sender);
        const sent: SentMessage = await sender.say(room, members, text);
        for (const device of there) await expect.poll(() => device.read(sent), SOON).toBe(text);
        return sent;
      };

      const [a1, b1] = [await logIn(alice), await logIn(bob)];
      there.add(a1).add(b1);
      const hello = await isReadByAll(a1, "hello");
      expect(hello.sharedWith).toEqual([b1.name]);
      await isReadByAll(b1, "hello yourself");

      const b2 = await logIn(bob);
      there.add(b2);
      const { sharedWith } = await isReadByAll(a1, "you have a second phone");
      expect(sharedWith).toEqual([b2.name]);

      await b1.logOut();
      there.delete(b1);
      const afterLogout = await isReadByAll(a1, "you have lost the first one");
      expect(afterLogout.sharedWith).toEqual([b2.name]); // with a new session
      expect(await b1.read(afterLogout)).not.toBe("you have lost the first one");

      await b2.resetIdentity();
      await expect.poll(() => a1.identityOf(bob.userId), SOON).toBeDefined();
      const first = await a1.identityOf(bob.userId);
      await isReadByAll(b2, "this is me");
      await b2.resetIdentity();
      await expect.poll(() => a1.identityOf(bob.userId), SOON).not.toBe(first);
      expect(await a1.identityOf(bob.userId)).toBe(await b2.identityOf(bob.userId));
      await isReadByAll(a1, "so it is");

      a1.isOffline = true;
      const b3 = await logIn(bob);
      there.add(b3);
      await sleep(2_000);
      expect(await a1.devicesOf(bob.userId)).toEqual([b2.name]);
      a1.isOffline = false;
      await bob.say(room, "a response comes, after a gap");
      const afterGap = await isReadByAll(a1, "who is there?");
      expect(afterGap.sharedWith).toEqual([b3.name]);
      expect(a1.problems).toEqual(["gap"]);

      const a2 = await logIn(alice);
      there.add(a2);
      await isReadByAll(b3, "hello to both of you");
      await isReadByAll(a2, "and to all of you");
      for (const { faults } of opened) expect(faults).toEqual([]);
    },
  );

  it("reach a device that the tracker has just seen, once the machine has the lists", { timeout: 60_000 }, async () => {
    const { url, serverName } = servers[0]!;
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    const room = await alice.createEncryptedRoom();
    await bob.join(room, serverName);
    const members = [alice.userId, bob.userId];
    const sender = await EngineDevice.logIn(alice, members);
    opened.push(sender);
    for (let i = 0; i < 5; i++) {
      const device = await EngineDevice.logIn(bob, members);
      opened.push(device);
      const bobsDevices$ = sender.tracker.watchDeviceKeys([bob.userId]).pipe(map((users) => users.get(bob.userId)));
      await firstValueFrom(bobsDevices$.pipe(filter((list) => list?.deviceKeys.size === i + 1)));
      await sender.hasListsOf(members);
      const sent = await sender.say(room, members, "hello at once");
      expect(sent.sharedWith).toContain(device.name);
      await expect.poll(() => device.read(sent), SOON).toBe("hello at once");
    }
  });
});
