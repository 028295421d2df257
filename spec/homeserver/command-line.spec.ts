import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { buildCommand, type BuiltCommand } from "../cli/build-command.js";
import { RunningCommand } from "../cli/run-command.js";
import { call } from "./client.js";
import { PASSWORD, Person } from "./person.js";
import { onSynapse } from "./real-homeserver.js";

const SOON = { timeout: 10_000, interval: 20 };

onSynapse("the command line", {}, ({ servers }) => {
  let built: BuiltCommand;
  beforeAll(async () => {
    built = await buildCommand();
  }, 60_000);
  afterAll(() => built.remove());

  const running: RunningCommand[] = [];
  afterEach(() => Promise.all(running.splice(0).map((command) => command.stop())));

  const start = (person: Person, ...args: readonly string[]): RunningCommand => {
    const account = { MATRIX_HOMESERVER: person.url, MATRIX_USER_ID: person.userId, MATRIX_PASSWORD: PASSWORD };
    const command = new RunningCommand(built.script, args, account);
    running.push(command);
    return command;
  };

  /** Alice and Bob in an encrypted room; Bob has a device with keys. */
  async function scene() {
    const { url, serverName } = servers[0]!;
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    const roomId = await alice.createEncryptedRoom();
    await bob.join(roomId, serverName);
    const device = await bob.uploadKeys(await bob.logIn());
    return { alice, bob, roomId, device };
  }

  /** The display names of a person's devices, as the server lists them. */
  async function devicesOf(person: Person): Promise<readonly unknown[]> {
    const { accessToken: token, ...login } = await person.logIn();
    const { devices } = await call(person.url, "GET", "/devices", { token });
    await person.logOut({ accessToken: token, ...login });
    return (devices as readonly { display_name?: string }[]).map(({ display_name: name }) => name);
  }
  const OURS = expect.stringContaining("matrix-device-tracker") as unknown;

  it("lists devices, and leaves none of its own behind", { timeout: 60_000 }, async () => {
    const { alice, bob, device } = await scene();
    const command = start(alice, "devices", "--json", bob.userId);
    expect(await command.code()).toBe(0);
    const { deviceId, key } = device;
    expect(command.objects).toMatchObject([
      { userId: bob.userId, devices: [{ deviceId, ed25519: key, signedByItself: true, crossSigned: false }] },
    ]);
    expect(await devicesOf(alice)).not.toContainEqual(OURS);
  });

  it("shows who gets a message in a room, and who not", { timeout: 60_000 }, async () => {
    const { alice, bob, roomId, device } = await scene();
    const command = start(alice, "room", "--json", roomId);
    expect(await command.code()).toBe(0);
    const left = { userId: bob.userId, deviceId: device.deviceId, reason: "not-cross-signed" };
    expect(command.objects).toMatchObject([{ roomId, devices: [], leftOut: [left], uncertain: [] }]);
    expect([...(command.objects[0]?.joined as string[])].sort()).toEqual([alice.userId, bob.userId].sort());
  });

  it("finds whose device has a key", { timeout: 60_000 }, async () => {
    const { alice, bob, device } = await scene();
    const command = start(alice, "whois", "--json", device.key);
    expect(await command.code()).toBe(0);
    expect(command.objects).toMatchObject([{ userId: bob.userId, deviceId: device.deviceId, algorithm: "ed25519" }]);
  });

  it("watches a new login of another user, and logs out", { timeout: 60_000 }, async () => {
    const { alice, bob } = await scene();
    const command = start(alice, "watch", "--json");
    await command.prints("watching 1 device of 2 users");
    expect(await devicesOf(alice)).toContainEqual(OURS);

    const login = await bob.logIn();
    const { deviceId, key } = await bob.uploadKeys(login);
    await expect
      .poll(() => command.objects, SOON)
      .toMatchObject([{ type: "added", userId: bob.userId, deviceId, ed25519: key }]);
    await bob.logOut(login);
    await expect
      .poll(() => command.objects.at(-1), SOON)
      .toMatchObject({ type: "removed", userId: bob.userId, deviceId });

    command.signal("SIGINT");
    expect(await command.code()).toBe(130);
    expect(await devicesOf(alice)).not.toContainEqual(OURS);
  });

  it("refuses a wrong password, and the token of a device with keys", { timeout: 60_000 }, async () => {
    const { bob } = await scene();
    const account = { MATRIX_HOMESERVER: bob.url, MATRIX_USER_ID: bob.userId };
    const wrong = new RunningCommand(built.script, ["devices", bob.userId], { ...account, MATRIX_PASSWORD: "x" });
    running.push(wrong);
    expect(await wrong.code()).toBe(1);
    expect(wrong.stderr).toContain("M_FORBIDDEN");

    const login = await bob.logIn();
    await bob.uploadKeys(login);
    const token = { ...account, MATRIX_ACCESS_TOKEN: login.accessToken };
    const refused = new RunningCommand(built.script, ["watch"], token);
    running.push(refused);
    expect(await refused.code()).toBe(1);
    expect(refused.stderr).toContain("another client uses it");
  });
});
