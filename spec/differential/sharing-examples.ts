import { BOB, CAROL, DAVE, MINUTE, type RoomEvent } from "./room-events.js";

const SEND: RoomEvent = { type: "send" };
const settings = (periodMs: number, messages: number): RoomEvent => ({ type: "settings", periodMs, messages });
const policy = (name: Extract<RoomEvent, { type: "policy" }>["name"]): RoomEvent => ({ type: "policy", name });

/**
 * For each class of differences, a history with an example. Bob has a cross-signed device, Carol another one and one
 * that is not; Dave, with one that is, is not in the room. The policy is `identity`, and the history `shared`.
 */
export const SHARING_EXAMPLES: Readonly<Record<string, readonly RoomEvent[]>> = {
  "whole-message": [{ type: "verify", user: BOB }, SEND, { type: "withhold our signature", user: BOB }, SEND],
  "legacy-device-of-verified-user": [policy("all, strict"), { type: "verify", user: CAROL }, SEND],
  "blocked-device": [SEND, { type: "block", user: BOB, which: 0 }, SEND],
  "blocked-without-olm": [
    policy("all"),
    { type: "add device", user: BOB, kind: "no-olm" },
    { type: "block", user: BOB, which: 1 },
    SEND,
  ],
  "changed-identity": [SEND, { type: "reset identity", user: BOB }, SEND],
  "lost-verification": [
    policy("all"),
    { type: "verify", user: BOB },
    SEND,
    { type: "withhold our signature", user: BOB },
    SEND,
  ],
  "verified-only": [SEND, policy("trusted"), SEND],
  "came-back": [SEND, { type: "bounce", user: BOB }, SEND],
  "missed-responses": [SEND, { type: "miss" }, SEND],
  "new-master-key": [SEND, { type: "reset identity", user: BOB }, { type: "acknowledge", user: BOB }, SEND],
  "replaced-curve25519-key": [SEND, { type: "replace curve25519 key", user: BOB, which: 0 }, SEND],
  visibility: [SEND, { type: "visibility", to: "world_readable" }, SEND],
  "short-period": [settings(10 * MINUTE, 100), SEND, { type: "wait", ms: 15 * MINUTE }, SEND],
  "changed-settings": [SEND, SEND, settings(120 * MINUTE, 2), SEND],
};

/** Histories in which both sides do the same. */
export const SAME_ON_BOTH_SIDES: readonly (readonly [title: string, events: readonly RoomEvent[]])[] = [
  ["a user leaves", [SEND, { type: "leave", user: BOB }, SEND]],
  ["a user joins, and another is invited", [{ type: "join", user: DAVE }, SEND, { type: "invite", user: DAVE }, SEND]],
  [
    "an invited user may not read any more",
    [{ type: "invite", user: DAVE }, SEND, { type: "visibility", to: "joined" }, SEND],
  ],
  ["a device is removed", [SEND, { type: "remove device", user: BOB, which: 0 }, SEND]],
  ["a device is blocked", [policy("all"), SEND, { type: "block", user: BOB, which: 0 }, SEND]],
  ["the policy excludes a device that has the session", [policy("all"), SEND, policy("identity"), SEND]],
  [
    "devices cannot be encrypted for",
    [{ type: "add device", user: BOB, kind: "no-olm" }, SEND, { type: "add device", user: BOB, kind: "no-key" }, SEND],
  ],
  [
    "dehydrated devices",
    [
      policy("all"),
      { type: "add device", user: BOB, kind: "dehydrated" },
      { type: "add device", user: BOB, kind: "dehydrated-legacy" },
      SEND,
    ],
  ],
  ["those who join later may not read any more", [SEND, { type: "visibility", to: "invited" }, SEND]],
  ["the clock was set back", [SEND, { type: "wait", ms: -10 * MINUTE }, SEND]],
  ["it was used too often", [settings(120 * MINUTE, 2), SEND, SEND, SEND]],
  ["it is too old", [settings(120 * MINUTE, 100), SEND, { type: "wait", ms: 121 * MINUTE }, SEND]],
  [
    "the policy forbids to send",
    [policy("all, strict"), { type: "verify", user: BOB }, SEND, { type: "withhold our signature", user: BOB }, SEND],
  ],
  ["the settings changed in a response that was missed", [settings(120 * MINUTE, 1), { type: "miss" }, SEND, SEND]],
  [
    "a person acknowledges a user who left, has another identity, and is invited again",
    [
      SEND,
      { type: "leave", user: BOB },
      SEND,
      { type: "reset identity", user: BOB },
      { type: "invite", user: BOB },
      { type: "acknowledge", user: BOB },
      SEND,
    ],
  ],
];
