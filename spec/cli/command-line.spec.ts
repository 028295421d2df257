import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { testDevice } from "../../src/testing/test-device.js";
import { buildCommand, type BuiltCommand } from "./build-command.js";
import { ALICE, BOB, CAROL, DAVE, Home, PASSWORD, ROOM } from "./home.js";
import { RunningCommand } from "./run-command.js";

let built: BuiltCommand;
beforeAll(async () => {
  built = await buildCommand();
}, 60_000);
afterAll(() => built.remove());

let home: Home;
const running: RunningCommand[] = [];
beforeEach(async () => {
  home = await new Home().start();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((command) => command.stop()));
  await home.stop();
});

function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  script = built.script,
): RunningCommand {
  const account = { MATRIX_HOMESERVER: home.url, MATRIX_USER_ID: ALICE, MATRIX_PASSWORD: PASSWORD };
  const command = new RunningCommand(script, args, { ...account, ...env });
  running.push(command);
  return command;
}

/** A command that has ended. */
async function run(args: readonly string[], env?: Readonly<Record<string, string>>, script?: string) {
  const command = start(args, env, script);
  const code = await command.code();
  const { stdout, stderr } = command;
  return { code, stdout, stderr, objects: args.includes("--json") ? command.objects : [] };
}

describe("the command line", () => {
  it("prints its version and its help, without an account", async () => {
    expect(await run(["--version"])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
    expect(await run(["watch", "--help"])).toMatchObject({ code: 0, stderr: "" });
    expect(home.requests).toEqual([]);
  });

  it("ends with 2 for wrong usage", async () => {
    const { code, stdout, stderr } = await run(["frobnicate"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: there is no command "frobnicate"\nTry: .*--help\n$/u);
    expect(home.requests).toEqual([]);
  });

  it("prints its help without axios, and says that a command needs it", async () => {
    const script = await built.withPackages("rxjs");
    expect(await run(["--help"], {}, script)).toMatchObject({ code: 0, stderr: "" });
    const { code, stderr } = await run(["devices", BOB], {}, script);
    const advice = "this needs the package axios: npm install matrix-device-tracker axios";
    expect({ code, stderr }).toEqual({ code: 1, stderr: `error: ${advice}\n` });
    expect(home.requests).toEqual([]);
  });

  it("logs in as a device of its own, and logs out at the end", async () => {
    const { code, stderr } = await run(["devices", BOB]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect([home.count, home.logins.size]).toEqual([1, 0]);
    expect([home.requests[0], home.requests.at(-1)]).toEqual(["POST /login", "POST /logout"]);
  });

  it("logs out after a failure, too", async () => {
    const { code, stderr } = await run(["room", "!other:home.example"]);
    expect(code).toBe(1);
    expect(stderr).toContain("we are not in this room");
    expect([home.count, home.logins.size]).toEqual([1, 0]);
  });

  it("names the device that is left if the log-out fails", async () => {
    home.refusesLogout = true;
    const { code, stderr } = await run(["devices", BOB]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/log-out failed, so the device CLI1 is still there.*M_UNKNOWN/u);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["a wrong password", { MATRIX_PASSWORD: "x" }, /log-in was refused with 403 \(M_FORBIDDEN, "Invalid username/u],
    [
      "a server that is not there",
      { MATRIX_HOMESERVER: "http://127.0.0.1:9" },
      /no response from http:\/\/127.0.0.1:9/u,
    ],
    [
      "a token, and a server that is not there",
      { MATRIX_HOMESERVER: "http://127.0.0.1:9", MATRIX_ACCESS_TOKEN: "x" },
      /no response.*MATRIX_HOMESERVER/u,
    ],
    ["a token of no use", { MATRIX_ACCESS_TOKEN: "nonsense" }, /M_UNKNOWN_TOKEN/u],
    ["the token of a device with keys", { MATRIX_ACCESS_TOKEN: "phone" }, /another client uses it/u],
  ])("ends with 1 for %s", async (_, env, message) => {
    const { code, stdout, stderr } = await run(["watch"], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
    expect(home.requests.filter((request) => request.endsWith("/sync"))).toEqual([]);
  });

  it("uses a token without logging in or out", async () => {
    home.logins.set("token", { deviceId: "BOT", displayName: undefined });
    const env = { MATRIX_ACCESS_TOKEN: "token", MATRIX_PASSWORD: "" };
    expect(await run(["devices", BOB], { ...env, MATRIX_DEVICE_ID: "BOT" })).toMatchObject({ code: 0 });
    expect(home.logins.size).toBe(1);
    expect(home.requests.filter((request) => /log(?:in|out)$/u.test(request))).toEqual([]);
    const otherDevice = await run(["devices", BOB], { ...env, MATRIX_DEVICE_ID: "OTHER" });
    expect(otherDevice.code).toBe(1);
    expect(otherDevice.stderr).toContain("that of the device BOT, not OTHER");
    const otherUser = await run(["devices", BOB], { ...env, MATRIX_USER_ID: BOB });
    expect(otherUser.code).toBe(1);
    expect(otherUser.stderr).toContain(`that of ${ALICE}, not of ${BOB}`);
  });

  it.each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])("logs out on %s, and ends with %i", async (signal, expected) => {
    const command = start(["watch"]);
    await command.prints("watching");
    expect(Array.from(home.logins.values(), ({ displayName }) => displayName)).toEqual([
      expect.stringContaining("matrix-device-tracker"),
    ]);
    command.signal(signal);
    expect(await command.code()).toBe(expected);
    expect([home.count, home.logins.size]).toEqual([1, 0]);
  });

  it("waits for the log-out no longer if it is stopped again", async () => {
    home.logoutHeld = new Promise(() => {});
    const command = start(["watch"]);
    await command.prints("watching");
    command.signal("SIGINT");
    await expect.poll(() => home.requests.at(-1), { timeout: 10_000 }).toBe("POST /logout");
    command.signal("SIGTERM");
    expect(await command.code()).toBe(143);
  });

  it("logs out if it is stopped while it logs in", async () => {
    let answer = () => {};
    home.loginHeld = new Promise((resolve) => (answer = resolve));
    const command = start(["watch"]);
    await expect.poll(() => home.requests, { timeout: 10_000 }).toEqual(["POST /login"]);
    command.signal("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer();
    expect(await command.code()).toBe(130);
    expect([home.count, home.logins.size]).toEqual([1, 0]);
  });

  it("logs out once if a request is answered in the meantime", async () => {
    let answerAlias = () => {};
    let answerLogout = () => {};
    home.aliasHeld = new Promise((resolve) => (answerAlias = resolve));
    home.logoutHeld = new Promise((resolve) => (answerLogout = resolve));
    const command = start(["room", "#kitchen:home.example"]);
    const last = () => home.requests.at(-1);
    await expect.poll(last, { timeout: 10_000 }).toContain("GET /directory/room/");
    command.signal("SIGINT");
    await expect.poll(last, { timeout: 10_000 }).toBe("POST /logout");
    answerAlias();
    await new Promise((resolve) => setTimeout(resolve, 100));
    answerLogout();
    expect(await command.code()).toBe(130);
    expect(command.stderr).toBe("");
    expect(home.requests.filter((request) => request === "POST /logout")).toHaveLength(1);
  });

  it("logs out if the reader of its output closes the pipe", async () => {
    const command = start(["watch", "--json"]);
    await command.prints("watching");
    command.closePipe();
    home.world.addDevice(BOB);
    expect(await command.code()).toBe(0);
    expect(home.logins.size).toBe(0);
    expect(command.stderr).not.toContain("EPIPE");
  });
});

describe("devices", () => {
  it("prints the devices of users and how they are signed", async () => {
    const { code, stdout } = await run(["devices", BOB, DAVE]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^@bob:home\.example: 2 devices, an identity\n {2}\w{10} {2}signed by its owner {2}Bob’s phone\n/u,
    );
    expect(stdout).toMatch(/\n@dave:elsewhere\.example: 2 devices, no identity\n.*signed by itself only/u);
    expect(stdout).not.toContain("\u001B");
  });

  it("prints one JSON object per user with --json", async () => {
    const { objects } = await run(["devices", "--json", BOB, "@nobody:home.example"]);
    const [deviceId = ""] = Object.keys(home.world.deviceList(BOB) ?? {});
    const device = {
      deviceId,
      displayName: "Bob’s phone",
      ed25519: expect.stringMatching(/^.{43}$/u) as string,
      crossSigned: true,
    };
    expect(objects).toMatchObject([
      { userId: BOB, isReachable: true, identity: { state: "unchanged" }, devices: [device, {}], rejected: [] },
      { userId: "@nobody:home.example", isReachable: true, identity: { state: "none" }, devices: [] },
    ]);
  });

  it("ends with 1 if the server of a user cannot be reached", async () => {
    await home.control("server-down", { server: "elsewhere.example" });
    const { code, stdout } = await run(["devices", DAVE, BOB]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${DAVE}: their homeserver cannot be reached\n`);
    expect(stdout).toContain("Bob’s laptop");
  });

  it("names devices that are refused, and why", async () => {
    await home.control("play-trick", { trick: "forge-signature" });
    const { code, stdout } = await run(["devices", BOB]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^@bob:home\.example: 2 devices.*\n(?:.*\n){4} {2}\w{10} is refused: .*signature/u);
  });

  it("shows no character that a terminal obeys", async () => {
    home.world.addDevice(BOB);
    const list = home.world.deviceList(BOB) ?? {};
    home.world.deviceList = () => ({
      ...list,
      EVIL: { ...testDevice(BOB, "EVIL"), unsigned: { device_display_name: "a\u001B[2J\u202Eb\r\nc" } },
    });
    const { stdout } = await run(["devices", BOB]);
    expect(stdout).toContain("a\uFFFD[2J\uFFFDb c");
    const json = await run(["devices", "--json", BOB]);
    expect(json.stdout).toContain(String.raw`a\u001b[2J\u202eb\r\nc`);
    expect(json.objects).toMatchObject([
      {
        devices: expect.arrayContaining([
          expect.objectContaining({ deviceId: "EVIL", displayName: "a\u001B[2J\u202Eb\r\nc" }),
        ]) as object[],
      },
    ]);
  });
});

describe("room", () => {
  it.each([ROOM, "#kitchen:home.example"])("prints who would get a message in %s, who not, and why", async (name) => {
    const { code, stdout } = await run(["room", name]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^!kitchen:home\.example: 4 members, 0 invited/u);
    expect(stdout).toMatch(/would reach 4 devices:\n(?: {2}@(?:alice|bob|carol):.*\n){4}/u);
    expect(stdout).toMatch(/would not reach 2 devices:\n(?: {2}@dave:.*: its owner has not signed it\n){2}/u);
  });

  it("names users whose devices are unknown", async () => {
    await home.control("server-down", { server: "elsewhere.example" });
    const { code, stdout } = await run(["room", ROOM]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n1 user with a list that may be wrong or incomplete:\n {2}@dave:elsewhere\.example\n$/u);
  });

  it("prints one JSON object with --json", async () => {
    const { objects } = await run(["room", "--json", ROOM]);
    expect(objects).toMatchObject([
      {
        roomId: ROOM,
        joined: expect.arrayContaining([ALICE, BOB, DAVE]) as string[],
        invited: [],
        uncertain: [],
        leftOut: [
          { userId: DAVE, reason: "not-cross-signed", withheld: "m.unverified" },
          { userId: DAVE, reason: "not-cross-signed" },
        ],
      },
    ]);
    expect(objects[0]?.devices).toHaveLength(4);
  });
});

describe("whois", () => {
  const keyOf = (algorithm: string, userId = BOB): readonly [deviceId: string, key: string] => {
    const [deviceId = "", device] = Object.entries(home.world.deviceList(userId) ?? {})[0] ?? [];
    return [deviceId, (device as { keys: Record<string, string> }).keys[`${algorithm}:${deviceId}`] ?? ""];
  };

  it.each(["curve25519", "ed25519"])("finds the device with a key of %s", async (algorithm) => {
    const [deviceId, key] = keyOf(algorithm);
    const { code, stdout } = await run(["whois", key]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${BOB} ${deviceId} (${algorithm}), signed by its owner  Bob’s phone\n`,
    });
    if (algorithm === "ed25519") return;
    const grouped = key.match(/.{1,4}/gu)?.join(" ") ?? "";
    for (const operands of [[grouped], grouped.split(" ")]) {
      const { objects } = await run(["whois", "--json", ...operands]);
      expect(objects).toMatchObject([{ userId: BOB, deviceId, algorithm, crossSigned: true }]);
    }
  });

  it("ends with 1, and warns, if more than one device claims it", async () => {
    const [, key] = keyOf("curve25519", CAROL);
    await home.control("play-trick", { trick: "claim-key" });
    const { code, stdout, stderr } = await run(["whois", key]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^(?:@(?:bob|carol):.*\(curve25519\).*\n){2}$/u);
    expect(stderr).toContain("warning: more than one device claims this key");
  });

  it("ends with 1 if no device has it", async () => {
    const { code, stdout, stderr } = await run(["whois", "A".repeat(43)]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("none of the devices of 4 users");
  });
});

describe("watch", () => {
  it("prints each change of the members of encrypted rooms", async () => {
    const command = start(["watch"]);
    await command.prints("watching 6 devices of 4 users");
    const deviceId = home.world.addDevice(BOB);
    await command.prints(new RegExp(`@bob:home.example new device ${deviceId} “.*”, signed by itself only`, "u"));
    await home.control("remove-device", { user_id: BOB });
    await command.prints(`@bob:home.example removed device ${deviceId}`);
    home.world.leave(DAVE);
    await command.prints("@dave:elsewhere.example shares no room with us any more");
    expect(command.stdout.trimEnd().split("\n")).toHaveLength(3);
    expect(command.stdout).not.toContain("\u001B");
  });

  it("prints one JSON object per change of the given users with --json", async () => {
    const command = start(["watch", "--json", BOB]);
    await command.prints("watching 2 devices of 1 user");
    home.world.addDevice(DAVE);
    home.world.leave(DAVE);
    const deviceId = home.world.addDevice(BOB);
    await expect
      .poll(() => command.objects, { timeout: 10_000 })
      .toMatchObject([{ type: "added", userId: BOB, deviceId }]);
    await home.control("reset-identity", { user_id: BOB });
    await expect
      .poll(() => command.objects.find(({ type }) => type === "identity"), { timeout: 10_000 })
      .toMatchObject({
        userId: BOB,
        identity: { state: "changed" },
        at: expect.stringMatching(/^\d{4}-.*Z$/u) as string,
      });
    expect(command.objects.every(({ userId }) => userId === BOB)).toBe(true);
  });

  it("fetches the members of a room that we join later", async () => {
    home.world.leave(ALICE);
    const command = start(["watch"]);
    await command.prints("watching 1 device of 1 user");
    const fetched = () => home.requests.filter((request) => request.endsWith("/members"));
    expect(fetched()).toEqual([]);
    home.world.join(ALICE);
    await expect.poll(fetched, { timeout: 10_000 }).toHaveLength(1);
  });

  it("warns of users whose changes the server may not announce", async () => {
    const command = start(["watch", "@stranger:home.example"]);
    await command.prints(/warning: @stranger:home\.example shares no encrypted room with us/u);
  });

  it("ends with 1 when the server ends the session", async () => {
    const command = start(["watch"]);
    await command.prints("watching");
    home.logins.clear();
    home.world.addDevice(BOB);
    expect(await command.code()).toBe(1);
    expect(command.stderr).toContain("M_UNKNOWN_TOKEN");
  });
});

describe("--store", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "command-store-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("keeps pinned keys between runs", async () => {
    const store = ["--store", join(directory, "devices")];
    expect((await run(["devices", BOB, ...store])).stdout).toContain("2 devices, an identity");
    await home.control("reset-identity", { user_id: BOB });
    expect((await run(["devices", BOB, ...store])).stdout).toContain("the identity has changed");
    expect((await run(["devices", BOB])).stdout).toContain("2 devices, an identity");
  });

  /** Saves the lists of all members. */
  async function watchOnce(...store: readonly string[]): Promise<void> {
    const command = start(["watch", ...store]);
    await command.prints("watching");
    command.signal("SIGINT");
    await command.code();
  }

  it("warns of problems, such as another identity of our own", async () => {
    const store = ["--store", join(directory, "devices")];
    expect((await run(["devices", ALICE, ...store])).stderr).toBe("");
    await home.control("play-trick", { trick: "own-identity" });
    const { stdout, stderr } = await run(["devices", ALICE, ...store]);
    expect(stdout).toContain("the identity has changed");
    expect(stderr).toMatch(/^warning: .*identity/u);
  });

  it("shows the devices as they are now, not as they were saved", async () => {
    const store = ["--store", join(directory, "devices")];
    await watchOnce(...store);
    const deviceId = home.world.addDevice(BOB);
    expect((await run(["devices", BOB, ...store])).stdout).toContain(deviceId);
  });

  it("shows the saved devices if the server of a user cannot be reached", async () => {
    const store = ["--store", join(directory, "devices")];
    await watchOnce(...store);
    await home.control("server-down", { server: "elsewhere.example" });
    const { code, stdout } = await run(["devices", DAVE, ...store]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^@dave:.* 2 devices.*\n {2}their homeserver cannot be reached, this is the last known list\n/u,
    );
    expect(stdout).toContain("Dave’s phone");
  });

  it("ends with 1 without classic-level, and says so", async () => {
    const script = await built.withPackages("rxjs", "axios");
    const { code, stderr } = await run(["devices", BOB, "--store", join(directory, "devices")], {}, script);
    expect(code).toBe(1);
    expect(stderr).toContain("this needs the package classic-level: npm install matrix-device-tracker classic-level");
    expect([home.count, home.logins.size]).toEqual([1, 0]);
  });

  it("ends with 1 if another command has it open", async () => {
    const store = ["--store", join(directory, "devices")];
    const command = start(["watch", ...store]);
    await command.prints("watching");
    const { code, stderr } = await run(["devices", BOB, ...store]);
    expect(code).toBe(1);
    expect(stderr).toContain("in use by another process");
    expect(home.logins.size).toBe(1);
  });
});
