import { expect, it } from "vitest";
import { Person } from "./person.js";
import { onSynapse } from "./real-homeserver.js";
import { staleLists } from "./truth.js";

const SOON = { timeout: 5_000, interval: 20 };

onSynapse("a person who leaves the last room that we share", {}, ({ servers, application }) => {
  it("is untracked, and current again when they are back", { timeout: 60_000 }, async () => {
    const { url, serverName } = servers[0]!;
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    const [room, otherRoom] = [await alice.createEncryptedRoom(), await alice.createEncryptedRoom()];
    await bob.join(room, serverName);
    await bob.join(otherRoom, serverName);
    await bob.uploadKeys(await bob.logIn());
    const { accessToken } = await alice.logIn();
    const app = application({ url, userId: alice.userId, accessToken });
    const shown = () => app.shown(bob.userId);
    app.start([bob.userId]);
    await expect.poll(shown, SOON).toBe("1 current");

    await bob.leave(otherRoom);
    await bob.uploadKeys(await bob.logIn());
    await expect.poll(shown, SOON).toBe("2 current");
    expect(app.stepsWith(bob.userId, "left")).toBe(0);

    await bob.leave(room);
    await expect.poll(shown, SOON).toBe("2 untracked");
    expect(app.stepsWith(bob.userId, "left")).toBe(1);

    await bob.uploadKeys(await bob.logIn());
    await bob.join(room, serverName);
    await expect.poll(shown, SOON).toBe("3 current");
    expect(app.problems).toEqual([]);
    expect(staleLists(bob.userId, bob.devices, app.seen)).toEqual([]);
  });
});
