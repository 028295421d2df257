import { initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { nativeEngine } from "../../engines/native-engine.js";
import { Conversation } from "../../homeserver/conversation.js";
import { onSynapse } from "../../homeserver/real-homeserver.js";

onSynapse("a bot with the native engine", {}, ({ servers }) => {
  beforeAll(() => initAsync());

  it("is read by the right devices through logins, log-outs, a gap and a restart", { timeout: 180_000 }, async () => {
    const native = await nativeEngine();
    const talk = await Conversation.begin(servers[0]!);
    onTestFinished(() => {
      talk.close();
    });
    const { alice, bob } = talk;
    const [bot, b1] = [await talk.logIn(alice, native), await talk.logIn(bob)];
    const hello = await talk.isReadByAll(bot, "hello");
    expect(hello.sharedWith).toEqual([b1.name]);
    await talk.isReadByAll(b1, "hello yourself");

    const b2 = await talk.logIn(bob, native);
    const { sharedWith } = await talk.isReadByAll(bot, "you have a second phone");
    expect(sharedWith).toEqual([b2.name]);
    await talk.isReadByAll(b2, "which has the same engine");

    await talk.logOut(b1);
    const afterLogout = await talk.isReadByAll(bot, "you have lost the first one");
    expect(afterLogout.sharedWith).toEqual([b2.name]); // with a new session
    expect(await b1.read(afterLogout)).not.toBe("you have lost the first one");

    bot.isOffline = true;
    const b3 = await talk.logIn(bob);
    await sleep(2_000);
    expect(await bot.devicesOf(bob.userId)).toEqual([b2.name]);
    bot.isOffline = false;
    await bob.say(talk.room, "a response comes, after a gap");
    const afterGap = await talk.isReadByAll(bot, "who is there?");
    expect(afterGap.sharedWith).toEqual([b3.name]);
    expect(bot.problems).toEqual(["gap"]);

    const again = await talk.restart(bot, async () => {
      await talk.logOut(b2);
      await talk.logIn(bob);
    });
    const afterRestart = await talk.isReadByAll(again, "where was I?");
    expect(afterRestart.sharedWith).not.toContain(b2.name);
    expect(await b2.read(afterRestart)).not.toBe("where was I?");

    await b3.resetIdentity();
    await talk.isReadByAll(again, "who you are makes no difference");
    const a2 = await talk.logIn(alice);
    await talk.isReadByAll(b3, "hello to both of you");
    await talk.isReadByAll(a2, "and to all of you");
    await talk.isReadByAll(again, "this is the bot again");
    expect(talk.faults).toEqual([]);
  });
});
