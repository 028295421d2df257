import { describe, expect, it } from "vitest";
import { eventsIn } from "../../src/cli/device-events.js";
import { eventWords } from "../../src/cli/event-words.js";
import type { DeviceKeys, DeviceUpdate, UserDeviceKeys } from "../../src/index.js";
import { signedAccount } from "../support/signed-account.js";
import { BOB } from "../support/users.js";
import { capturedOutput } from "./captured-output.js";

const NAMES = ["ADDED", "RENAMED", "CROSS-SIGNED", "REKEYED", "CHANGED"] as const;
const account = signedAccount(BOB);
const LIST = {
  deviceKeys: new Map(
    NAMES.map((id): [string, DeviceKeys] => [id, account.device(id, { displayName: `Bob’s ${id.toLowerCase()}` })]),
  ),
  deviceStatus: new Map(NAMES.map((id) => [id, { signedByItself: true, crossSigned: id === "CROSS-SIGNED" }])),
} as unknown as UserDeviceKeys;
const UPDATE: DeviceUpdate = {
  userId: BOB,
  added: ["ADDED", "GONE"],
  removed: ["REMOVED"],
  renamed: ["RENAMED"],
  crossSigned: ["CROSS-SIGNED"],
  rekeyed: ["REKEYED"],
  changed: ["CHANGED"],
  refused: new Map([["REFUSED", { code: "invalid-signature", detail: "its own signature is invalid" }]]),
  identity: { state: "changed", verified: false, wasVerified: false, collisions: [] },
};

describe("the events of an update", () => {
  it("are one for each change, with the device if it is still there", () => {
    const events = eventsIn(UPDATE, LIST);
    expect(events.map((event) => [event.type, "deviceId" in event ? event.deviceId : undefined])).toEqual([
      ["added", "ADDED"],
      ["removed", "REMOVED"],
      ["renamed", "RENAMED"],
      ["cross-signed", "CROSS-SIGNED"],
      ["rekeyed", "REKEYED"],
      ["changed", "CHANGED"],
      ["refused", "REFUSED"],
      ["identity", undefined],
    ]);
    expect(events[0]).toEqual({
      type: "added",
      userId: BOB,
      deviceId: "ADDED",
      displayName: "Bob’s added",
      ed25519: account.device("ADDED").keys["ed25519:ADDED"],
      curve25519: account.device("ADDED").keys["curve25519:ADDED"],
      signedByItself: true,
      crossSigned: false,
      dehydrated: false,
    });
  });

  it("are a line each", () => {
    const { output, printed } = capturedOutput();
    for (const event of [...eventsIn(UPDATE, LIST), { type: "left", userId: BOB } as const])
      output.line(...eventWords(event));
    expect(printed.stdout.split("\n").slice(0, -1)).toEqual([
      "new device ADDED “Bob’s added”, signed by itself only",
      "removed device REMOVED",
      "renamed device RENAMED “Bob’s renamed”",
      "device CROSS-SIGNED “Bob’s cross-signed”, now signed by its owner",
      "new keys, signed by the identity, of device REKEYED “Bob’s rekeyed”",
      "same keys, but other content or fewer signatures: device CHANGED “Bob’s changed”",
      "refused device REFUSED: its own signature is invalid",
      "the identity has changed",
      "shares no room with us any more",
    ]);
  });
});
