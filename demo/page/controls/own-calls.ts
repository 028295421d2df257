import { defer, finalize, merge, of, switchMap, takeUntil } from "rxjs";
import { control } from "../session/embedded-homeserver.js";
import type { Experiment } from "./experiment.js";
import { BOB, DAVE } from "./users.js";

/** What we do: calls of `getDeviceKeys`. */
export const OWN_CALLS: readonly Experiment[] = [
  {
    id: "look-up",
    group: "us",
    anywhere: true,
    label: () => "Look up all users",
    hint: () =>
      "As before each message. A tick is an answer from the cache; only outdated and untracked users are queried.",
    run: (_, { lookUp, users }) => lookUp(users),
  },
  {
    id: "force",
    group: "us",
    anywhere: true,
    label: () => "Force a download",
    hint: () => "Skips the cache: one request, and a bar in every lane.",
    run: (_, { lookUp, users }) => lookUp(users, { forceDownload: true }),
  },
  {
    id: "twice",
    group: "us",
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
    group: "us",
    label: ({ slow }) => (slow ? "Unsubscribe" : "Start a slow lookup"),
    hint: ({ slow }) =>
      slow
        ? "No other caller is waiting, so the request is aborted and its bar is cut off."
        : "The server takes ten seconds. Unsubscribe before it answers.",
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
