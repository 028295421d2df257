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
import { EXPERIMENTS, type Experiment, type SlowCall, type Stage } from "./experiments.js";

const NOBODY: WorldState = { people: [], members: [], down: [], unsigned: [], tricks: [] };

/** The buttons for one session, in the two lists; they are there for as long as there is a subscriber. */
export function showButtons(
  session: Session,
  lists: Readonly<Record<Experiment["who"], HTMLElement>>,
  complain: (message: string) => void,
): Observable<unknown> {
  return new Observable<unknown>((subscriber) => {
    const slow: SlowCall = { running$: new BehaviorSubject(false), giveUp$: new Subject() };
    const acted$ = new Subject<void>();
    const world$ = session.place.embedded
      ? acted$.pipe(
          startWith(undefined),
          switchMap(() => worldState().pipe(catchError(() => EMPTY))),
        )
      : of(NOBODY);
    const stage$ = new BehaviorSubject<Stage>({ world: NOBODY, slow: false });

    const rows = EXPERIMENTS.filter(({ anywhere }) => anywhere === true || session.place.embedded).map((experiment) => {
      const row = rowFor(experiment);
      lists[experiment.who].append(row.item);
      const run = (stage: Stage) =>
        experiment.run(stage, session, slow).pipe(
          catchError((error: unknown) => {
            complain(messageOf(error));
            return EMPTY;
          }),
          finalize(() => acted$.next()),
        );
      const clicks$ = fromEvent(row.button, "click").pipe(withLatestFrom(stage$));
      // The slow look-up is given up by the same button; all others are as good twice as once.
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

function rowFor({ id }: Experiment) {
  const hint = element("p", { id: `hint-${id}`, class: "hint" });
  const button = element("button", { type: "button", "data-experiment": id, "aria-describedby": hint.id });
  return { item: element("li", { class: "experiment" }, button, hint), button, hint };
}

/** Texts change in place: a new button would lose the focus. */
function put(experiment: Experiment, stage: Stage, button: HTMLElement, hint: HTMLElement): void {
  const [label, text] = [experiment.label(stage), experiment.hint(stage)];
  if (button.textContent !== label) button.textContent = label;
  if (hint.textContent !== text) hint.textContent = text;
}
