import {
  BehaviorSubject,
  combineLatest,
  EMPTY,
  filter,
  fromEvent,
  ignoreElements,
  map,
  merge,
  Observable,
  of,
  share,
  startWith,
  switchMap,
  take,
  tap,
  timer,
  withLatestFrom,
} from "rxjs";
import type { Note } from "./tracker-event.js";
import { openChannel } from "./channel.js";
import { tabCensus } from "./tab-census.js";
import type { Farewell, TabMessage } from "./tab-messages.js";
import type { Departure, SyncRole, TabState, TakeOver } from "./tab-state.js";

/** How much later than the lock a farewell may arrive, in ms: they take different ways through the browser. */
const FAREWELL_MAY_TAKE = 1_000;

/** What is known in this tab about which tab syncs. */
export interface Sharing {
  /** The name of the lock that `inOneTab` takes. */
  readonly name: string;
  /** Whether the sync loop is subscribed to in this tab. Emits at once. */
  readonly syncsHere$: Observable<boolean>;
  /** Whether the browser does not let tabs share. Emits at once. */
  readonly unshared$: Observable<boolean>;
}

/**
 * Records which tab syncs, how many tabs there are, and which took over from which. Subscribe and unsubscribe it before
 * the sync loop: a farewell is sent before the lock is released.
 */
export function observedTabs({ name, syncsHere$, unshared$ }: Sharing, note: Note): Observable<never> {
  return new Observable<never>((subscriber) => {
    const channel = openChannel<TabMessage>(name);
    /** The last one, until a tab has taken over. */
    const farewell$ = new BehaviorSubject<Farewell | undefined>(undefined);

    const received$ = channel.messages$.pipe(
      tap((message) => {
        farewell$.next(message.type === "farewell" ? message : undefined);
        if (message.type === "took-over") note({ type: "took-over", by: "another tab", takeOver: message.takeOver });
      }),
    );
    let here = false;
    const sendFarewell = (departure: Departure) => {
      if (here) channel.send({ type: "farewell", departure, at: Date.now() });
    };
    const left$ = merge(
      syncsHere$.pipe(tap((now) => (here = now))),
      departures("closed", globalThis, "pagehide").pipe(tap(sendFarewell)),
      departures("frozen", document, "freeze").pipe(tap(sendFarewell)),
    );
    const state$ = tabStates({ name, syncsHere$, unshared$ }).pipe(share()); // one census; nothing is replayed
    const takeOver$ = syncsHere$.pipe(
      withLatestFrom(
        state$.pipe(
          map(({ role }) => role),
          startWith<SyncRole>("no tab"),
        ),
      ), // still the state before
      switchMap(([now, before]) => (now && before === "another tab" ? takenOver(Date.now(), farewell$) : EMPTY)),
      tap((takeOver) => {
        farewell$.next(undefined);
        channel.send({ type: "took-over", takeOver });
        note({ type: "took-over", by: "this tab", takeOver });
      }),
    );

    // The state last: take-overs need the one before.
    const noted = merge(received$, left$, takeOver$, state$.pipe(tap((state) => note({ type: "tabs", ...state }))))
      .pipe(ignoreElements())
      .subscribe(subscriber);
    return () => {
      sendFarewell("left"); // delivered even though the channel is closed now
      noted.unsubscribe();
      channel.close();
    };
  });
}

function tabStates({ name, syncsHere$, unshared$ }: Sharing): Observable<TabState> {
  return combineLatest([syncsHere$, unshared$]).pipe(
    switchMap(([here, unshared]) =>
      unshared
        ? of<TabState>({ role: "each tab", open: undefined })
        : tabCensus(name).pipe(map(({ held, open }): TabState => ({ role: roleOf(here, held), open }))),
    ),
  );
}

const roleOf = (here: boolean, held: boolean): SyncRole => (here ? "this tab" : held ? "another tab" : "no tab");

/** In the capture phase, which is before any lock is released. */
const departures = (departure: Departure, target: EventTarget, event: string): Observable<Departure> =>
  fromEvent(target, event, { capture: true }).pipe(map(() => departure));

/** Why the former tab stopped syncing, once its farewell has arrived or is overdue. */
function takenOver(at: number, farewell$: Observable<Farewell | undefined>): Observable<TakeOver> {
  const said$ = farewell$.pipe(
    filter((farewell) => farewell !== undefined),
    map((farewell): TakeOver => ({ departure: farewell.departure, after: Math.max(at - farewell.at, 0) })),
  );
  const silent$ = timer(FAREWELL_MAY_TAKE).pipe(map((): TakeOver => ({ departure: "silent", after: undefined })));
  return merge(said$, silent$).pipe(take(1));
}
