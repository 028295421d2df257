import { initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import { setTimeout as sleep } from "node:timers/promises";
import { filter, firstValueFrom, map } from "rxjs";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { Conversation, SOON } from "./conversation.js";
import { onSynapse } from "./real-homeserver.js";

onSynapse("two people with engines that a tracker serves", {}, ({ servers }) => {
  beforeAll(() => initAsync());
  const begin = async () => {
    const conversation = await Conversation.begin(servers[0]!);
    onTestFinished(() => {
      conversation.close();
    });
    return conversation;
  };

  it(
    "read each other's messages through logins, log-outs, an identity reset and a gap",
    { timeout: 180_000 },
    async () => {
      const talk = await begin();
      const { alice, bob } = talk;
      const [a1, b1] = [await talk.logIn(alice), await talk.logIn(bob)];
      const hello = await talk.isReadByAll(a1, "hello");
      expect(hello.sharedWith).toEqual([b1.name]);
      await talk.isReadByAll(b1, "hello yourself");

      const b2 = await talk.logIn(bob);
      const { sharedWith } = await talk.isReadByAll(a1, "you have a second phone");
      expect(sharedWith).toEqual([b2.name]);

      await talk.logOut(b1);
      const afterLogout = await talk.isReadByAll(a1, "you have lost the first one");
      expect(afterLogout.sharedWith).toEqual([b2.name]); // with a new session
      expect(await b1.read(afterLogout)).not.toBe("you have lost the first one");

      await b2.resetIdentity();
      await expect.poll(() => a1.identityOf(bob.userId), SOON).toBeDefined();
      const first = await a1.identityOf(bob.userId);
      await talk.isReadByAll(b2, "this is me");
      await b2.resetIdentity();
      await expect.poll(() => a1.identityOf(bob.userId), SOON).not.toBe(first);
      expect(await a1.identityOf(bob.userId)).toBe(await b2.identityOf(bob.userId));
      await talk.isReadByAll(a1, "so it is");

      a1.isOffline = true;
      const b3 = await talk.logIn(bob);
      await sleep(2_000);
      expect(await a1.devicesOf(bob.userId)).toEqual([b2.name]);
      a1.isOffline = false;
      await bob.say(talk.room, "a response comes, after a gap");
      const afterGap = await talk.isReadByAll(a1, "who is there?");
      expect(afterGap.sharedWith).toEqual([b3.name]);
      expect(a1.problems).toEqual(["gap"]);

      const a2 = await talk.logIn(alice);
      await talk.isReadByAll(b3, "hello to both of you");
      await talk.isReadByAll(a2, "and to all of you");
      expect(talk.faults).toEqual([]);
    },
  );

  it("reach a device that the tracker has just seen, once the machine has the lists", { timeout: 60_000 }, async () => {
    const talk = await begin();
    const { alice, bob } = talk;
    const sender = await talk.logIn(alice);
    for (let i = 0; i < 5; i++) {
      const device = await talk.logIn(bob);
      const bobsDevices$ = sender.tracker.watchDeviceKeys([bob.userId]).pipe(map((users) => users.get(bob.userId)));
      await firstValueFrom(bobsDevices$.pipe(filter((list) => list?.deviceKeys.size === i + 1)));
      await sender.hasListsOf(talk.members);
      const sent = await sender.say(talk.room, talk.members, "hello at once");
      expect(sent.sharedWith).toContain(device.name);
      await expect.poll(() => device.read(sent), SOON).toBe("hello at once");
    }
  });
});
