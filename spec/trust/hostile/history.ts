import fc from "fast-check";
import { LIES, type Lie } from "./lies.js";

const DEVICE_IDS = ["PHONE", "TABLET", "WATCH"] as const;

/** Something that happens to Bob, to the server, to us, or to our trackers. */
export type Event =
  | { readonly type: "lookup"; readonly tracker: number; readonly lies: readonly Lie[] }
  | { readonly type: "adds or re-keys" | "removes"; readonly deviceId: string }
  | { readonly type: "rotates" | "resets" | "is verified" }
  | { readonly type: "restart"; readonly tracker: number }
  | { readonly type: "damage"; readonly what: "pins" | "record" | "owner" }
  | { readonly type: "acknowledge identity" | "withdraw"; readonly tracker: number }
  | { readonly type: "acknowledge device"; readonly tracker: number; readonly deviceId: string };

const tracker = fc.constantFrom(0, 1);
const deviceId = fc.constantFrom(...DEVICE_IDS);
const lie = fc.record({ type: fc.constantFrom(...LIES), pick: fc.nat(30) });
const lies = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 3, arbitrary: fc.array(lie, { minLength: 1, maxLength: 3 }) },
);

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant("lookup" as const), tracker, lies }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constantFrom("adds or re-keys" as const, "removes" as const), deviceId }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constantFrom("rotates" as const, "resets" as const, "is verified" as const) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const), tracker }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("damage" as const),
      what: fc.constantFrom("pins" as const, "record" as const, "owner" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom("acknowledge identity" as const, "withdraw" as const), tracker }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("acknowledge device" as const), tracker, deviceId }) },
);

export interface History {
  /** Whether our own identity is confirmed. */
  readonly isConfirmed: boolean;
  readonly events: readonly Event[];
}

export const arbitraryHistory: fc.Arbitrary<History> = fc.record({
  isConfirmed: fc.boolean(),
  events: fc.array(event, { minLength: 8, maxLength: 30, size: "max" }),
});
