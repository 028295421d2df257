import { execFile } from "node:child_process";
import { expect, it } from "vitest";
import { jsonObject, type JsonObject } from "./json.js";
import { OurSide } from "./our-verdict.js";

const BOB = "@bob:example.org";

const device = (id: string, key: string): JsonObject =>
  jsonObject({
    user_id: BOB,
    device_id: id,
    algorithms: [],
    keys: jsonObject({ [`ed25519:${id}`]: key }),
    signatures: jsonObject(),
  });
const response = JSON.stringify({
  device_keys: {
    [BOB]: {
      LONG: device("LONG", "A".repeat(44)),
      GOOD: device("GOOD", "1yObko+MDA7piWnrjA8yr6g7T/Tq6aitVAyGgb8i7N8"),
    },
  },
});

/** Runs in a process of its own, because a module that has panicked is unusable. */
const THEIRS = `
  import { DeviceId, initAsync, OlmMachine, RequestType, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
  await initAsync();
  const machine = await OlmMachine.initialize(new UserId("@me:example.org"), new DeviceId("ASKING"));
  const { id } = machine.queryKeysForUsers([new UserId("${BOB}")]);
  await machine.markRequestAsSent(id, RequestType.KeysQuery, process.argv.at(-1));
  console.log("returned");
`;

it("refuses only the device of a key that is too long for matrix-sdk-crypto", { timeout: 60_000 }, async () => {
  const { users, refused } = new OurSide([BOB], "accept").judge(response);
  expect([...(users.get(BOB)?.devices.keys() ?? [])]).toEqual(["GOOD"]);
  expect(refused.get(BOB)?.get("LONG")).toBe("malformed");

  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      ["--input-type=module", "--eval", THEIRS, "--", response],
      { timeout: 50_000 },
      (_, stdout, stderr) => {
        resolve(stdout + stderr);
      },
    );
  });
  expect(output).toContain("panicked");
  expect(output).not.toContain("returned");
});
