import {
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  merge,
  of,
  switchMap,
  takeUntil,
  type Observable,
  type Subject,
} from "rxjs";
import { control, type WorldState } from "../session/embedded-homeserver.js";
import type { Session } from "../session/open-session.js";

const BOB = "@bob:home.example";
const CAROL = "@carol:home.example";
const ELSEWHERE = "elsewhere.example";
const DAVE = `@dave:${ELSEWHERE}`;

/** What the buttons depend on. */
export interface Stage {
  readonly world: WorldState;
  /** Whether the slow lookup is in flight. */
  readonly slow: boolean;
}

/** One button: what it does, and what to look out for. */
export interface Experiment {
  readonly id: string;
  readonly who: "others" | "tricks" | "us";
  /** Whether it also works with a homeserver that does not obey the page. */
  readonly anywhere?: true;
  label(stage: Stage): string;
  hint(stage: Stage): string;
  run(stage: Stage, session: Session, slow: SlowCall): Observable<unknown>;
}

/** The slow lookup, shared by the two states of its button. */
export interface SlowCall {
  readonly running$: Subject<boolean>;
  readonly giveUp$: Subject<void>;
}

const isIn = ({ world }: Stage) => world.members.includes(CAROL);
const isDown = ({ world }: Stage) => world.down.includes(ELSEWHERE);

/** A lie of the server, and taking it back. */
function trick(
  id: string,
  play: readonly [label: string, hint: string],
  takeBack: readonly [label: string, hint: string],
): Experiment {
  const isPlayed = ({ world }: Stage) => world.tricks.includes(id);
  return {
    id,
    who: "tricks",
    label: (stage) => (isPlayed(stage) ? takeBack : play)[0],
    hint: (stage) => (isPlayed(stage) ? takeBack : play)[1],
    run: (stage) => control(isPlayed(stage) ? "take-back-trick" : "play-trick", { trick: id }),
  };
}

export const EXPERIMENTS: readonly Experiment[] = [
  {
    id: "superseded",
    who: "others",
    label: () => "Bob changes during a slow query",
    hint: () =>
      "The race: the bar becomes hatched, because its answer may be old. The next caller gets a second query; the late answer changes nothing.",
    run: (_, { lookUp }) =>
      concat(
        control("slow-next-query", { answer_after: 3_600, change_user_id: BOB, change_after: 1_400 }).pipe(
          ignoreElements(),
        ),
        lookUp([BOB], { forceDownload: true }),
      ),
  },
  {
    id: "add-device",
    who: "others",
    label: () => "Bob signs in on a new device",
    hint: () =>
      "A marble, a thread down to Bob, and one query for him alone. Other tabs find its answer in the store: a tick.",
    run: () => control("add-device", { user_id: BOB }),
  },
  {
    id: "sign-devices",
    who: "others",
    label: () => "Bob signs his new device",
    hint: ({ world }) =>
      world.unsigned.includes(BOB)
        ? "Until then, only the device itself says that it is his: its shield has a dash."
        : "Nothing to sign: let him sign in on a new device first.",
    run: ({ world }) => (world.unsigned.includes(BOB) ? control("sign-devices", { user_id: BOB }) : EMPTY),
  },
  {
    id: "remove-device",
    who: "others",
    label: () => "Bob logs a device out",
    hint: () => "The reverse: that device gets no more messages.",
    run: () => control("remove-device", { user_id: BOB }),
  },
  {
    id: "leave",
    who: "others",
    label: (stage) => (isIn(stage) ? "Carol leaves the room" : "Carol comes back"),
    hint: (stage) =>
      isIn(stage)
        ? "Her lane becomes dotted: the server no longer announces her changes, so her list is not cached."
        : "She is announced, so she is tracked again and looked up again.",
    run: (stage) => control(isIn(stage) ? "leave" : "join", { user_id: CAROL }),
  },
  {
    id: "server",
    who: "others",
    label: (stage) => (isDown(stage) ? "Dave’s server comes back" : "Dave’s server goes down"),
    hint: (stage) =>
      isDown(stage)
        ? "Dave is announced again and looked up: he has one more device."
        : "Just after he signed in on a new device: the change is announced, but his server does not answer. He is unreachable, with his last known list.",
    run: (stage) =>
      isDown(stage)
        ? control("server-up", { server: ELSEWHERE })
        : control("server-down", { server: ELSEWHERE, change_user_id: DAVE }),
  },
  trick(
    "swap-key",
    [
      "Swap the keys of a device of Bob’s",
      "Same ID, other keys, correctly signed. Refused: a device’s key never changes. The device is kept as it was.",
    ],
    ["Return Bob’s true keys again", "Then nothing is refused any more."],
  ),
  trick(
    "forge-signature",
    [
      "Forge a signature",
      "A new device of Bob’s, signed with a key that is not its own. It is refused; his other devices are not affected.",
    ],
    ["Take the forged device back", "Then nothing is refused any more."],
  ),
  trick(
    "unsigned-device",
    [
      "Slip in a device without a signature",
      "Accepted by default, with an empty shield. “Only cross-signed” leaves it out.",
    ],
    ["Take the unsigned device back", "It disappears from the list."],
  ),
  trick(
    "claim-key",
    [
      "Let Bob claim a key of Carol’s",
      "A device of his claims her key. The claim cannot be disproved, so a message from that key cannot be attributed to either.",
    ],
    ["Drop the claim", "Only Carol claims the key again."],
  ),
  {
    id: "reset-identity",
    who: "tricks",
    label: () => "Reset Carol’s identity",
    hint: () =>
      "By her, or by someone who took over her account: it looks the same. It is marked until you acknowledge it on her card, and it is no longer verified.",
    run: () => control("reset-identity", { user_id: CAROL }),
  },
  trick(
    "own-identity",
    [
      "Swap our own identity",
      "Reported as a problem, too. No user counts as verified while our own identity is in doubt.",
    ],
    ["Return our own identity again", "What it signed is verified again."],
  ),
  {
    id: "look-up",
    who: "us",
    anywhere: true,
    label: () => "Look up all users",
    hint: () => "As before each message. A tick is the cache; only outdated and untracked users cost a query.",
    run: (_, { lookUp, users }) => lookUp(users),
  },
  {
    id: "force",
    who: "us",
    anywhere: true,
    label: () => "Force a download",
    hint: () => "It skips the cache: one request, and a bar in every lane.",
    run: (_, { lookUp, users }) => lookUp(users, { forceDownload: true }),
  },
  {
    id: "twice",
    who: "us",
    anywhere: true,
    label: () => "Look up twice at once",
    hint: () => "Two calls above, one bar below: they share the request.",
    run: (_, { lookUp, users }) => {
      const wanted = users.includes(BOB) ? [BOB] : users;
      return merge(lookUp(wanted, { forceDownload: true }), lookUp(wanted, { forceDownload: true }));
    },
  },
  {
    id: "slow",
    who: "us",
    label: ({ slow }) => (slow ? "Unsubscribe" : "Start a slow lookup"),
    hint: ({ slow }) =>
      slow
        ? "No other caller waits, so the request is aborted and the bar is cut off."
        : "Ten seconds for Dave. Change your mind in the meantime.",
    run: ({ slow }, { lookUp }, { running$, giveUp$ }) =>
      defer(() => {
        if (slow) {
          giveUp$.next();
          return of(undefined);
        }
        running$.next(true);
        return control("slow-next-query", { answer_after: 10_000 }).pipe(
          switchMap(() => lookUp([DAVE], { forceDownload: true })),
          takeUntil(giveUp$),
          finalize(() => running$.next(false)),
        );
      }),
  },
];
