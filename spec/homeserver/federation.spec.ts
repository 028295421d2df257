import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Person } from "./person.js";
import { onSynapse } from "./real-homeserver.js";
import { describeLatencies, latencies, staleLists } from "./truth.js";

/** Between two servers a change takes a little longer, in ms. */
const SOON = { timeout: 10_000, interval: 20 };
/** A server that is back is queried again after at most this time, in ms: both servers and the watcher wait between two tries. */
const ONCE_BACK = { timeout: 90_000, interval: 50 };

onSynapse("a person on another server", { servers: 2 }, ({ servers, application }) => {
  it("is seen to log in and out as one on our own", { timeout: 120_000 }, async () => {
    const [ours, theirs] = servers as [(typeof servers)[number], (typeof servers)[number]];
    const [alice, bob] = [await Person.register(ours.url, "alice"), await Person.register(theirs.url, "bob")];
    await bob.join(await alice.createEncryptedRoom(), ours.serverName);
    const { accessToken } = await alice.logIn();
    const app = application({ url: ours.url, userId: alice.userId, accessToken });
    app.start([bob.userId]);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");

    for (const pause of [0, 300, 2_000]) {
      const login = await bob.logIn();
      await bob.uploadKeys(login);
      await expect.poll(() => app.shown(bob.userId), SOON).toBe("1 current");
      await sleep(pause);
      await bob.logOut(login);
      await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");
      await sleep(pause);
    }
    console.info(`from another server: ${describeLatencies(latencies(bob.userId, bob.devices, app.seen))}`);
    expect(app.problems).toEqual([]);
  });

  it("is unreachable while that server is down, and current once it is back", { timeout: 180_000 }, async () => {
    const [ours, theirs] = servers as [(typeof servers)[number], (typeof servers)[number]];
    const [alice, bob] = [await Person.register(ours.url, "alice"), await Person.register(theirs.url, "bob")];
    await bob.uploadKeys(await bob.logIn());
    await bob.join(await alice.createEncryptedRoom(), ours.serverName);
    const { accessToken } = await alice.logIn();
    await theirs.stop();

    const app = application({ url: ours.url, userId: alice.userId, accessToken });
    app.start([bob.userId]);
    await expect.poll(() => app.shown(bob.userId), ONCE_BACK).toBe("0 unreachable");
    await theirs.start();
    const back = performance.now();
    await expect.poll(() => app.shown(bob.userId), ONCE_BACK).toBe("1 current");
    console.info(`current ${(performance.now() - back).toFixed()} ms after the other server was back`);
    expect(staleLists(bob.userId, bob.devices, app.seen)).toEqual([]);
  });
});
