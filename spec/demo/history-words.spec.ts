import type { KeyEvent } from "matrix-device-tracker";
import { describe, expect, it } from "vitest";
import { confirmedKey } from "../../demo/page/events/confirmed-key.js";
import { historyLines } from "../../demo/page/words/history-words.js";

const master = (type: KeyEvent["type"], key = "one", at = 1): KeyEvent => ({ type, kind: "master", key, at });
const device = (type: KeyEvent["type"], deviceId: string, at = 1): KeyEvent => ({
  type,
  kind: "device",
  key: deviceId,
  deviceId,
  at,
});
const lines = (...events: readonly KeyEvent[]) => historyLines(events, (id) => `Bob’s ${id}`);
const texts = (...events: readonly KeyEvent[]) => lines(...events).map(({ text }) => text);

describe("a key history in words", () => {
  it("has the latest first, and what was first seen in one answer together", () => {
    const selfSigning: KeyEvent = { type: "first-seen", kind: "self-signing", key: "two", at: 1 };
    expect(
      texts(
        master("first-seen"),
        selfSigning,
        device("first-seen", "phone"),
        device("first-seen", "laptop", 2),
        master("acknowledged", "three", 3),
      ),
    ).toEqual([
      "You acknowledged the identity.",
      "First seen: Bob’s laptop.",
      "First seen: the identity, its key for signing devices and Bob’s phone.",
    ]);
  });

  it("marks what a person should look at", () => {
    const grave = (event: KeyEvent) => lines(event)[0]?.grave;
    for (const type of ["shown", "returned"] as const) {
      expect(grave(master(type))).toBe(true);
      expect(grave(device(type, "phone"))).toBe(true);
    }
    for (const type of ["accepted", "acknowledged", "confirmed", "forgotten"] as const)
      expect(grave(device(type, "phone"))).toBe(false);
  });

  it("says what became of a device's key", () => {
    expect(
      texts(...(["shown", "accepted", "returned", "forgotten"] as const).map((type) => device(type, "phone"))),
    ).toEqual([
      "You chose to forget Bob’s phone.",
      "The server returned a key of Bob’s phone that had been replaced. It was refused.",
      "Bob’s phone has new keys, signed by its owner’s identity.",
      "The server returned another key for Bob’s phone. It was refused.",
    ]);
  });
});

describe("our own confirmed key", () => {
  it.for<readonly [string, readonly KeyEvent[], string | undefined]>([
    ["none without a confirmation", [master("first-seen")], undefined],
    ["the one that was confirmed", [master("first-seen"), master("confirmed")], "one"],
    ["the same while the server shows another one", [master("confirmed"), master("shown", "two")], "one"],
    ["the same if it is acknowledged, too", [master("confirmed"), master("acknowledged")], "one"],
    ["none once another one was acknowledged", [master("confirmed"), master("acknowledged", "two")], undefined],
    ["the one that was confirmed last", [master("confirmed"), master("confirmed", "two")], "two"],
    ["none of a device", [device("confirmed", "phone")], undefined],
  ])("is %s", ([, history, key]) => {
    expect(confirmedKey(history)).toBe(key);
  });
});
