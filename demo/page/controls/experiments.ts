import { concat, defer, finalize, ignoreElements, merge, of, switchMap, takeUntil, type Observable, type Subject } from "rxjs";
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
  readonly who: "others" | "us";
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

export const EXPERIMENTS: readonly Experiment[] = [
  {
    id: "superseded",
    who: "others",
    label: () => "Bob changes during a slow query",
    hint: () => "The race: the bar turns to hatching, its answer may be old. Who asks now gets a second query; the late answer changes nothing.",
    run: (_, { lookUp }) =>
      concat(
        control("slow-next-query", { answer_after: 3_600, change_user_id: BOB, change_after: 1_400 }).pipe(ignoreElements()),
        lookUp([BOB], { forceDownload: true }),
      ),
  },
  {
    id: "add-device",
    who: "others",
    label: () => "Bob signs in on a new device",
    hint: () => "A marble, a thread down to Bob, one query for him alone. Other tabs find its answer in the store: a tick.",
    run: () => control("add-device", { user_id: BOB }),
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
      isIn(stage) ? "Her lane becomes dotted: nobody tells us of her changes now, so nothing is kept." : "Announced, so tracked again, and asked for again.",
    run: (stage) => control(isIn(stage) ? "leave" : "join", { user_id: CAROL }),
  },
  {
    id: "server",
    who: "others",
    label: (stage) => (isDown(stage) ? "Dave’s server comes back" : "Dave’s server goes down"),
    hint: (stage) =>
      isDown(stage) ? "Dave is announced again and asked for: one device more." : "Just after he signed in anew: announced, but nobody to ask. Unreachable, his last list kept apart.",
    run: (stage) =>
      isDown(stage)
        ? control("server-up", { server: ELSEWHERE })
        : control("server-down", { server: ELSEWHERE, change_user_id: DAVE }),
  },
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
    hint: ({ slow }) => (slow ? "Nobody else waits, so the request is aborted, the bar cut." : "Ten seconds for Dave. Change your mind on the way."),
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
