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
import type { Note } from "./happening.js";
import { tabCensus } from "./tab-census.js";
import type { Departure, SyncRole, TabState, TakeOver } from "./tab-state.js";
import { openTabTalk, type Farewell, type TabMessage } from "./tab-talk.js";

/** How much later than the lock a farewell may come, in ms: each goes its own way through the browser. */
const FAREWELL_MAY_TAKE = 1_000;

/** What is known in this tab of who syncs. */
export interface Sharing {
  /** What the tabs share under. */
  readonly name: string;
  /** Whether the sync loop is subscribed to here: only the tab that syncs does. Emits at once. */
  readonly syncsHere$: Observable<boolean>;
  /** Whether the browser lets no tabs share. Emits at once. */
  readonly unshared$: Observable<boolean>;
}

/** Notes which tab syncs, how many there are, and who took over from whom. Subscribe to it, and unsubscribe from it, before the sync loop: a farewell comes before that is let go. */
export function observedTabs({ name, syncsHere$, unshared$ }: Sharing, note: Note): Observable<never> {
  return new Observable<never>((subscriber) => {
    const talk = openTabTalk<TabMessage>(name);
    /** The last one, until somebody has taken over. */
    const farewell$ = new BehaviorSubject<Farewell | undefined>(undefined);

    const heard$ = talk.messages$.pipe(
      tap((message) => {
        farewell$.next(message.type === "farewell" ? message : undefined);
        if (message.type === "took-over") note({ type: "took-over", by: "another tab", takeOver: message.takeOver });
      }),
    );
    let here = false;
    const sayFarewell = (departure: Departure) => {
      if (here) talk.say({ type: "farewell", departure, at: Date.now() });
    };
    const left$ = merge(
      syncsHere$.pipe(tap((now) => (here = now))),
      departures("closed", globalThis, "pagehide").pipe(tap(sayFarewell)),
      departures("frozen", document, "freeze").pipe(tap(sayFarewell)),
    );
    const state$ = combineLatest([syncsHere$, unshared$]).pipe(
      switchMap(([here, unshared]) =>
        unshared
          ? of<TabState>({ role: "each tab", open: undefined })
          : tabCensus(name).pipe(map(({ held, open }): TabState => ({ role: roleOf(here, held), open }))),
      ),
      share(), // one census; nothing is kept
    );
    const takeOver$ = syncsHere$.pipe(
      withLatestFrom(
        state$.pipe(
          map(({ role }) => role),
          startWith<SyncRole>("nobody"),
        ),
      ),
      // The state still is the one before.
      switchMap(([here, before]) => (here && before === "another tab" ? takenOver(Date.now(), farewell$) : EMPTY)),
      tap((takeOver) => {
        farewell$.next(undefined);
        talk.say({ type: "took-over", takeOver });
        note({ type: "took-over", by: "this tab", takeOver });
      }),
    );

    // The state last: what follows a change of it needs the one before.
    const noted = merge(heard$, left$, takeOver$, state$.pipe(tap((state) => note({ type: "tabs", ...state }))))
      .pipe(ignoreElements())
      .subscribe(subscriber);
    return () => {
      sayFarewell("left"); // the channel delivers it after it is closed, too
      noted.unsubscribe();
      talk.close();
    };
  });
}

const roleOf = (here: boolean, held: boolean): SyncRole => (here ? "this tab" : held ? "another tab" : "nobody");

/** In the capture phase: before anybody lets go of anything. */
const departures = (departure: Departure, target: EventTarget, event: string): Observable<Departure> =>
  fromEvent(target, event, { capture: true }).pipe(map(() => departure));

/** What became of the one before, told once it has said so, or has had the time to. */
function takenOver(at: number, farewell$: Observable<Farewell | undefined>): Observable<TakeOver> {
  const said$ = farewell$.pipe(
    filter((farewell) => farewell !== undefined),
    map((farewell): TakeOver => ({ departure: farewell.departure, after: Math.max(at - farewell.at, 0) })),
  );
  const silent$ = timer(FAREWELL_MAY_TAKE).pipe(
    map((): TakeOver => ({ departure: "without a word", after: undefined })),
  );
  return merge(said$, silent$).pipe(take(1));
}
