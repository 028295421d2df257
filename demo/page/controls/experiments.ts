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
  /** Whether the slow look-up is on its way. */
  readonly slow: boolean;
}

/** One button: what it does, and what to look for. */
export interface Experiment {
  readonly id: string;
  readonly who: "others" | "tricks" | "us";
  /** Whether it also works with a homeserver that does not obey us. */
  readonly anywhere?: true;
  label(stage: Stage): string;
  hint(stage: Stage): string;
  run(stage: Stage, session: Session, slow: SlowCall): Observable<unknown>;
}

/** The slow look-up: tells that it has begun and ended, hears that it is to be given up. */
export interface SlowCall {
  readonly running$: Subject<boolean>;
  readonly giveUp$: Subject<void>;
}

const isIn = ({ world }: Stage) => world.members.includes(CAROL);
const isDown = ({ world }: Stage) => world.down.includes(ELSEWHERE);

/** A lie of the server's, and its taking back. */
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
      "The race: the bar turns to hatching, its answer may be old. Who asks now gets a second query; the late answer changes nothing.",
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
      "A marble, a thread down to Bob, one query for him alone. Other tabs find its answer in the store: a tick.",
    run: () => control("add-device", { user_id: BOB }),
  },
  {
    id: "sign-devices",
    who: "others",
    label: () => "Bob signs his new device",
    hint: ({ world }) =>
      world.unsigned.includes(BOB)
        ? "Until then only the device itself says that it is his: its shield has a dash."
        : "None waits for that. Let him sign in on a new one first.",
    run: ({ world }) => (world.unsigned.includes(BOB) ? control("sign-devices", { user_id: BOB }) : EMPTY),
  },
  {
    id: "remove-device",
    who: "others",
    label: () => "Bob logs a device out",
    hint: () => "The same, the other way: no more messages for that device.",
    run: () => control("remove-device", { user_id: BOB }),
  },
  {
    id: "leave",
    who: "others",
    label: (stage) => (isIn(stage) ? "Carol leaves the room" : "Carol comes back"),
    hint: (stage) =>
      isIn(stage)
        ? "Her lane becomes dotted: nobody tells us of her changes now, so nothing is kept."
        : "Announced, so tracked again, and asked for again.",
    run: (stage) => control(isIn(stage) ? "leave" : "join", { user_id: CAROL }),
  },
  {
    id: "server",
    who: "others",
    label: (stage) => (isDown(stage) ? "Dave’s server comes back" : "Dave’s server goes down"),
    hint: (stage) =>
      isDown(stage)
        ? "Dave is announced again and asked for: one device more."
        : "Just after he signed in anew: announced, but nobody to ask. Unreachable, his last list kept apart.",
    run: (stage) =>
      isDown(stage)
        ? control("server-up", { server: ELSEWHERE })
        : control("server-down", { server: ELSEWHERE, change_user_id: DAVE }),
  },
  trick(
    "swap-key",
    [
      "Swap the keys of a device of Bob’s",
      "Same ID, other keys, well signed. Refused: a device’s key never changes. The device as it was is kept.",
    ],
    ["Give Bob’s true keys again", "Then nothing is refused any more."],
  ),
  trick(
    "forge-signature",
    [
      "Forge a signature",
      "A new device of Bob’s, signed with a key that is not its own. Refused; his others are as good as before.",
    ],
    ["Take the forged device back", "Then nothing is refused any more."],
  ),
  trick(
    "unsigned-device",
    [
      "Slip in a device without a signature",
      "Taken by default, with an empty shield. “Only cross-signed” leaves it out.",
    ],
    ["Take the unsigned device back", "It is gone from the list."],
  ),
  trick(
    "claim-key",
    [
      "Let Bob claim a key of Carol’s",
      "A device of his says that her key is its own. Nobody can disprove it: a message from that key is attributed to neither.",
    ],
    ["Drop the claim", "The key is Carol’s alone again."],
  ),
  {
    id: "reset-identity",
    who: "tricks",
    label: () => "Reset Carol’s identity",
    hint: () =>
      "By her, or by who took her account: it looks the same. Marked until you acknowledge it on her card; no longer verified in any case.",
    run: () => control("reset-identity", { user_id: CAROL }),
  },
  trick(
    "own-identity",
    [
      "Swap our own identity",
      "Told as a problem, too. Nobody counts as verified while what signs for us may not be ours.",
    ],
    ["Give our own identity again", "What it signed is verified again."],
  ),
  {
    id: "look-up",
    who: "us",
    anywhere: true,
    label: () => "Look everyone up",
    hint: () => "As before each message. A tick is the cache; only who is outdated or untracked costs a query.",
    run: (_, { lookUp, users }) => lookUp(users),
  },
  {
    id: "force",
    who: "us",
    anywhere: true,
    label: () => "Force a download",
    hint: () => "Past the cache: one request, a bar in every lane.",
    run: (_, { lookUp, users }) => lookUp(users, { forceDownload: true }),
  },
  {
    id: "twice",
    who: "us",
    anywhere: true,
    label: () => "Look up twice at once",
    hint: () => "Two callers above, one bar below: they share the request.",
    run: (_, { lookUp, users }) => {
      const whom = users.includes(BOB) ? [BOB] : users;
      return merge(lookUp(whom, { forceDownload: true }), lookUp(whom, { forceDownload: true }));
    },
  },
  {
    id: "slow",
    who: "us",
    label: ({ slow }) => (slow ? "Unsubscribe" : "Start a slow look-up"),
    hint: ({ slow }) =>
      slow
        ? "Nobody else waits, so the request is aborted, the bar cut."
        : "Ten seconds for Dave. Change your mind on the way.",
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
