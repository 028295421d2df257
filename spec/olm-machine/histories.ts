import fc from "fast-check";
import { isNative } from "../engines/engine-in-use.js";
import { BOB, CAROL, DAVE } from "../support/users.js";

/** Users of our own server, whom the machine asks for again at once after a failure. */
export const USERS = [BOB, CAROL, DAVE] as const;

/** What happens in a history. `at` picks one of the user's devices. */
export type Event =
  | { readonly type: "login" | "reset" | "leave" | "join" | "look-up" | "track"; readonly userId: string }
  | { readonly type: "logout"; readonly userId: string; readonly at: number }
  /** A sync response: first the machine gets it, then, after a time, the tracker. */
  | { readonly type: "step"; readonly between: number }
  /** The response is lost: the next one comes after a gap. */
  | { readonly type: "lost-step" | "fail-query" | "server-fails" | "server-works" | "other-caller" | "serve-again" }
  /** Of an engine that saves: machine and tracker are closed, and opened again with what they have saved. */
  | { readonly type: "restart"; readonly after: Halfway | "step" }
  | { readonly type: "answer-after"; readonly ms: number; readonly looksAt: "arrival" | "departure" }
  | { readonly type: "elapse"; readonly ms: number };

/** The machine has the response and the tracker has not, or the tracker has it and the machine does not know that. */
export type Halfway = "save" | "apply";

export interface History {
  readonly gaps: "ask" | "distrust";
  readonly events: readonly Event[];
}

const userId = fc.constantFrom(...USERS);
const restart = fc.record({ type: fc.constant("restart" as const), after: fc.constantFrom("save", "apply", "step") });
const event = <const T extends Event["type"]>(type: T) => fc.constant({ type });

/** What happens to devices comes with steps and time, so that most of it is announced. */
export const arbitraryHistory: fc.Arbitrary<History> = fc.record({
  gaps: fc.constantFrom("ask" as const, "distrust" as const),
  events: fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ type: fc.constant("login" as const), userId }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant("logout" as const), userId, at: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("reset" as const, "track" as const), userId }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constantFrom("leave" as const, "join" as const), userId }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant("look-up" as const), userId }) },
      { weight: 8, arbitrary: fc.record({ type: fc.constant("step" as const), between: fc.constantFrom(0, 0, 0, 3) }) },
      {
        weight: 2,
        arbitrary: fc.oneof(
          event("lost-step"),
          event("fail-query"),
          event("server-fails"),
          event("server-works"),
          event("other-caller"),
          event("serve-again"),
          ...(isNative ? [restart] : []),
        ),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          type: fc.constant("answer-after" as const),
          ms: fc.constantFrom(0, 1, 5, 12),
          looksAt: fc.constantFrom("arrival" as const, "departure" as const),
        }),
      },
      { weight: 6, arbitrary: fc.record({ type: fc.constant("elapse" as const), ms: fc.integer({ min: 1, max: 8 }) }) },
    ),
    { minLength: 15, maxLength: 60 },
  ),
});
