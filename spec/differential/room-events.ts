import fc from "fast-check";
import type { HistoryVisibility } from "../../src/rooms/wire.js";
import { ME } from "./person.js";
import type { DeviceKind } from "./room-person.js";
import { POLICIES, type PolicyName } from "./sharing-policies.js";

export const BOB = "@bob:example.org";
export const CAROL = "@carol:other.example";
export const DAVE = "@dave:example.org";
export const OTHERS = [BOB, CAROL, DAVE] as const;

export const MINUTE = 60_000;

/** What happens between messages. `which` counts the devices of the user, from 0 and over again. */
export type RoomEvent =
  /** All that was before it is synced, and a message is sent. */
  | { readonly type: "send" }
  /** `bounce`: leave and come back. */
  | { readonly type: "join" | "leave" | "bounce" | "invite"; readonly user: string }
  | { readonly type: "add device"; readonly user: string; readonly kind: DeviceKind }
  | {
      readonly type: "remove device" | "replace curve25519 key" | "block" | "unblock";
      readonly user: string;
      readonly which: number;
    }
  | { readonly type: "reset identity" | "verify" | "withhold our signature"; readonly user: string }
  /** A person accepts the new master key, or, if warned of it, that the user is not verified any more. */
  | { readonly type: "acknowledge" | "withdraw verification"; readonly user: string }
  | { readonly type: "visibility"; readonly to: HistoryVisibility }
  | { readonly type: "settings"; readonly periodMs: number; readonly messages: number }
  | { readonly type: "policy"; readonly name: PolicyName }
  /** The clock goes on, or is set back. */
  | { readonly type: "wait"; readonly ms: number }
  /** A sync response arrives, or does not. */
  | { readonly type: "sync" | "miss" };

const oneOf = fc.constantFrom;
const user = oneOf(...OTHERS);
const anyone = oneOf(ME, ...OTHERS);
const which = fc.nat({ max: 2 });
const kind = oneOf<DeviceKind[]>("signed", "signed", "legacy", "dehydrated", "dehydrated-legacy", "no-olm", "no-key");
const visibility = oneOf<HistoryVisibility[]>("joined", "joined", "invited", "shared", "world_readable");

const ofUser = (...types: ("join" | "leave" | "bounce" | "invite")[]) => fc.record({ type: oneOf(...types), user });
const event = (): fc.Arbitrary<RoomEvent> =>
  fc.oneof(
    { weight: 30, arbitrary: fc.record({ type: fc.constant("send" as const) }) },
    { weight: 12, arbitrary: ofUser("join", "join", "leave", "bounce", "invite") },
    { weight: 6, arbitrary: fc.record({ type: fc.constant("add device" as const), user: anyone, kind }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant("remove device" as const), user: anyone, which }) },
    {
      weight: 8,
      arbitrary: fc.record({
        type: oneOf("remove device" as const, "replace curve25519 key" as const, "block" as const, "unblock" as const),
        user: anyone,
        which,
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        type: oneOf("reset identity" as const, "verify" as const, "verify" as const, "withhold our signature" as const),
        user,
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ type: oneOf("acknowledge" as const, "withdraw verification" as const), user }),
    },
    { weight: 5, arbitrary: fc.record({ type: fc.constant("visibility" as const), to: visibility }) },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("settings" as const),
        periodMs: oneOf(10 * MINUTE, 120 * MINUTE, 10_080 * MINUTE),
        messages: oneOf(1, 2, 5, 100),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant("policy" as const),
        name: oneOf(...(Object.keys(POLICIES) as PolicyName[])),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constant("wait" as const),
        ms: oneOf(5, 15, 61, 180, -10).map((minutes) => minutes * MINUTE),
      }),
    },
    { weight: 5, arbitrary: fc.record({ type: oneOf("sync" as const, "sync" as const, "miss" as const) }) },
  );

/** Random histories, each with a message at its end. */
export const arbitraryEvents: fc.Arbitrary<readonly RoomEvent[]> = fc
  .array(event(), { minLength: 8, maxLength: 40, size: "max" })
  .map((events) => [...events, { type: "send" }]);
