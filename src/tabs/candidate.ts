import {
  catchError,
  defer,
  dematerialize,
  EMPTY,
  filter,
  ignoreElements,
  map,
  materialize,
  merge,
  type Observable,
  type ObservableNotification,
  type SchedulerLike,
  share,
  shareReplay,
  Subject,
  switchMap,
  take,
  tap,
  throwError,
} from "rxjs";
import { type Channel, isNews, type News, type Talk } from "./channel.js";
import { holdWhile } from "./hold-while.js";
import { leadership } from "./leadership.js";
import { describeError, OtherTabError } from "./other-tab-error.js";
import { afterDeposing, patient, patienceAt } from "./patience.js";
import { silence } from "./silence.js";
import { asleep } from "./tab-life.js";
import { UnsharedError } from "./unshared-error.js";

/** How many values a sleeping tab holds: at one a second a quarter of an hour, at the usual pace of sync responses hours. */
const HELD_VALUES = 1_000;

/** How long there may be no sign of the leader before it is asked for one, in ms … */
const ASK_AFTER = 1_000;
/** … and how much longer at most: an answer is heard by all, so all would ask, and depose it, at once the next time. Chance makes one the first. */
const ASK_WITHIN = 500;

/** What a candidate has to do with. */
export interface Candidacy<T> {
  readonly source: Observable<T>;
  readonly channel: Channel<T>;
  readonly locks: LockManager;
  /** What the lock is called. */
  readonly topic: string;
  readonly scheduler: SchedulerLike;
}

/**
 * One subscriber's part in sharing the source: it gives what any leader emits, and is ready to lead.
 *
 *     asleep ──wakes──▶ following ──is granted the lock──▶ leading
 *       ▲                   ▲───────the lock is taken─────────┘
 *       └── falls asleep, from anywhere: leaves the queue, or lets the lock go and unsubscribes from the source, before the event is over
 *
 * Whoever leads subscribes to the source, says first on the channel what it emits and gives it to its own subscriber then: one who reads what that
 * subscriber saves can count on everybody having been told.
 *
 * News are given in whatever state one is, a leader's included: the last value of one who was deposed may have been saved before the new leader
 * started, who then does not get it from its own source.
 *
 * Fails with an {@link UnsharedError} where the browser refuses the lock.
 */
export function candidate<T>({ source, channel, locks, topic, scheduler }: Candidacy<T>): Observable<T> {
  // Both reset with the candidate: the subscribers of both are its own parts.
  const asleep$ = asleep().pipe(shareReplay({ bufferSize: 1, refCount: true }));
  const news$ = channel.messages$.pipe(filter(isNews), holdWhile(asleep$, HELD_VALUES), share());
  const talk$ = channel.messages$.pipe(filter((message): message is Talk<T> => !isNews(message)));
  const depose$ = new Subject<void>();
  let patience = patient;

  const lead$ = defer(() => {
    let last: { readonly value: T } | undefined;
    const answers$ = ofType(talk$, "ask").pipe(
      tap((asked) => {
        channel.post(asked.last && last !== undefined ? { type: "last", value: last.value } : { type: "here" });
      }),
      ignoreElements(),
    );
    const emissions$ = source.pipe(
      tap((value) => {
        channel.post({ type: "value", value });
        last = { value };
      }),
      // The source's end, or a value that cannot be cloned.
      tap({
        error: (error: unknown) => {
          channel.post({ type: "error", error: describeError(error) });
        },
        complete: () => {
          channel.post({ type: "complete" });
        },
      }),
      materialize(),
    );
    return merge(answers$, emissions$);
  });

  const follow$ = defer(() => {
    // Not once there is something newer.
    const repeated$ = merge(news$, ofType(talk$, "last")).pipe(
      take(1),
      filter((message) => message.type === "last"),
      map(({ value }): ObservableNotification<T> => ({ kind: "N", value })),
    );
    const deposings$ = ofType(talk$, "deposing").pipe(
      tap(() => {
        patience = afterDeposing(patience, scheduler.now());
      }),
    );
    // Two tabs that miss the same leader: who hears the other depose it leaves it at that.
    const sign$ = merge(news$, ofType(talk$, "here"), ofType(talk$, "last"), deposings$);
    const ask = (wants: { readonly last: boolean }) => {
      channel.post({ type: "ask", ...wants });
    };
    const watch$ = silence({
      sign$,
      askAfter: () => ASK_AFTER + Math.random() * ASK_WITHIN,
      ask: () => {
        ask({ last: false });
      },
      patience: () => patienceAt(patience, scheduler.now()),
      scheduler,
    }).pipe(
      tap(() => {
        patience = afterDeposing(patience, scheduler.now());
        channel.post({ type: "deposing" });
        depose$.next();
      }),
      ignoreElements(),
    );
    const join$ = defer(() => {
      ask({ last: true });
      return EMPTY;
    });
    return merge(repeated$, watch$, join$);
  });

  const leads$ = leadership(locks, topic, depose$).pipe(
    catchError((error: unknown) =>
      throwError(() => new UnsharedError(`the browser refuses the lock (${String(error)})`, { cause: error })),
    ),
  );
  const awake$ = leads$.pipe(switchMap((leads) => (leads ? lead$ : follow$)));
  const part$ = asleep$.pipe(switchMap((isAsleep) => (isAsleep ? EMPTY : awake$)));
  // News come first: on waking, what was held is given before the tab does anything else.
  return merge(news$.pipe(map(notification)), part$).pipe(dematerialize());
}

function notification<T>(news: News<T>): ObservableNotification<T> {
  switch (news.type) {
    case "value":
      return { kind: "N", value: news.value };
    case "error":
      return { kind: "E", error: new OtherTabError(news.error) };
    case "complete":
      return { kind: "C" };
  }
}

function ofType<T, K extends Talk<T>["type"]>(
  talk$: Observable<Talk<T>>,
  type: K,
): Observable<Extract<Talk<T>, { readonly type: K }>> {
  return talk$.pipe(filter((message): message is Extract<Talk<T>, { readonly type: K }> => message.type === type));
}
