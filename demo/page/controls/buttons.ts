import {
  BehaviorSubject,
  catchError,
  combineLatest,
  EMPTY,
  exhaustMap,
  finalize,
  fromEvent,
  merge,
  mergeMap,
  Observable,
  of,
  startWith,
  Subject,
  switchMap,
  tap,
  withLatestFrom,
} from "rxjs";
import { element } from "../dom/element.js";
import { worldState, type WorldState } from "../session/embedded-homeserver.js";
import type { Session } from "../session/open-session.js";
import { messageOf } from "../words/message-of.js";
import { DISHONEST_SERVER } from "./dishonest-server.js";
import type { Experiment, SlowCall, Stage } from "./experiment.js";
import { OTHER_PEOPLE } from "./other-people.js";
import { OWN_CALLS } from "./own-calls.js";

const EXPERIMENTS = [...OTHER_PEOPLE, ...DISHONEST_SERVER, ...OWN_CALLS];
const EMPTY_WORLD: WorldState = { people: [], members: [], down: [], unsigned: [], tricks: [] };

/** The buttons of one session, in three lists, for as long as there is a subscriber. */
export function showButtons(
  session: Session,
  lists: Readonly<Record<Experiment["group"], HTMLElement>>,
  complain: (message: string) => void,
): Observable<unknown> {
  return new Observable<unknown>((subscriber) => {
    const slow: SlowCall = { running$: new BehaviorSubject(false), giveUp$: new Subject() };
    const acted$ = new Subject<void>();
    const world$ = worldOf(session, acted$);
    const stage$ = new BehaviorSubject<Stage>({ world: EMPTY_WORLD, slow: false });

    const rows = EXPERIMENTS.filter(({ anywhere }) => anywhere === true || session.place.embedded).map((experiment) => {
      const row = rowFor(experiment);
      lists[experiment.group].append(row.item);
      const run = (stage: Stage) =>
        experiment.run(stage, session, slow).pipe(
          catchError((error: unknown) => {
            complain(messageOf(error));
            return EMPTY;
          }),
          finalize(() => acted$.next()),
        );
      const clicks$ = fromEvent(row.button, "click").pipe(withLatestFrom(stage$));
      // A second slow query while one is in flight would show nothing new.
      const runs$ = clicks$.pipe(
        experiment.id === "superseded" ? exhaustMap(([, stage]) => run(stage)) : mergeMap(([, stage]) => run(stage)),
      );
      return { ...row, experiment, runs$ };
    });

    const shown = merge(
      combineLatest({ world: world$, slow: slow.running$ }).pipe(tap((stage) => stage$.next(stage))),
      stage$.pipe(tap((stage) => rows.forEach(({ experiment, button, hint }) => put(experiment, stage, button, hint)))),
      ...rows.map(({ runs$ }) => runs$),
    ).subscribe(subscriber);
    return () => {
      shown.unsubscribe();
      for (const { item } of rows) item.remove();
    };
  });
}

/** The state of the embedded homeserver, which other tabs and browsers change, too. */
function worldOf({ place, announced$ }: Session, acted$: Observable<void>): Observable<WorldState> {
  if (!place.embedded) return of(EMPTY_WORLD);
  return merge(acted$, announced$).pipe(
    startWith(undefined),
    switchMap(() => worldState().pipe(catchError(() => EMPTY))),
  );
}

function rowFor({ id }: Experiment) {
  const hint = element("p", { id: `hint-${id}`, class: "hint" });
  const button = element("button", { type: "button", "data-experiment": id, "aria-describedby": hint.id });
  return { item: element("li", { class: "experiment" }, button, hint), button, hint };
}

/** Texts change in place: a new button would not have the focus. */
function put(experiment: Experiment, stage: Stage, button: HTMLElement, hint: HTMLElement): void {
  const [label, text] = [experiment.label(stage), experiment.hint(stage)];
  if (button.textContent !== label) button.textContent = label;
  if (hint.textContent !== text) hint.textContent = text;
}
