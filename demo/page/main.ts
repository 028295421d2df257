import {
  asyncScheduler,
  BehaviorSubject,
  catchError,
  distinctUntilChanged,
  EMPTY,
  filter,
  fromEvent,
  map,
  merge,
  mergeMap,
  Observable,
  scan,
  share,
  startWith,
  Subject,
  switchMap,
  tap,
} from "rxjs";
import { showButtons } from "./controls/buttons.js";
import { typedPlaces } from "./controls/connect-form.js";
import { showProblems } from "./controls/problems.js";
import { drawLegend } from "./diagram/legend.js";
import { emptyTimeline, reduceTimeline } from "./diagram/reduce-timeline.js";
import { showDiagram } from "./diagram/show-diagram.js";
import { byId } from "./dom/element.js";
import type { TimedEvent } from "./events/tracker-event.js";
import { Recorder } from "./events/recorder.js";
import { acknowledgements, cardsIn } from "./people/cards.js";
import { showChanges } from "./people/changes.js";
import { showRecipients } from "./people/recipients.js";
import { emptyRoster, reduceRoster } from "./people/roster.js";
import { embeddedPlace } from "./session/embedded-homeserver.js";
import { openSession, type Session } from "./session/open-session.js";
import { usersOf, type Place } from "./session/place.js";
import { messageOf } from "./words/message-of.js";
import { showTabs } from "./tabs/show-tabs.js";
import { narrate } from "./words/narrate.js";
import { sentence } from "./words/sentences.js";

const problems$ = new Subject<string>();
const complain = (message: string) => problems$.next(message);

const goBack = byId<HTMLButtonElement>("go-back");
const places$ = merge(
  fromEvent(goBack, "click").pipe(
    startWith(undefined),
    switchMap(() =>
      embeddedPlace().pipe(
        catchError((error: unknown) => {
          complain(`The embedded homeserver did not answer: ${messageOf(error)}`);
          return EMPTY;
        }),
      ),
    ),
  ),
  typedPlaces(),
);

drawLegend(byId("legend"));
showProblems(problems$, byId("problems-list"), byId("problems-none")).subscribe();
places$.pipe(switchMap(show)).subscribe();

/** Acknowledges changed identities when their buttons are pressed. */
function acknowledging({ acknowledge }: Session): Observable<unknown> {
  return acknowledgements(byId("people")).pipe(
    mergeMap(({ userId, masterKey }) =>
      acknowledge(userId, masterKey).pipe(
        catchError((error: unknown) => {
          complain(messageOf(error));
          return EMPTY;
        }),
      ),
    ),
  );
}

/** Shows one place; unsubscribing closes its tracker and clears the page. */
function show(place: Place): Observable<unknown> {
  return new Observable((subscriber) => {
    goBack.hidden = place.embedded;
    for (const id of ["others", "tricks"]) byId(id).hidden = !place.embedded;
    byId("where").textContent = place.embedded ? "the homeserver that comes with this page" : place.homeserverUrl;

    const recorder = new Recorder(asyncScheduler);
    const users = usersOf(place);
    const timeline$ = new BehaviorSubject(emptyTimeline(users, place.userId));
    const sentences$ = recorder.events$.pipe(
      map((event: TimedEvent) => {
        const before = timeline$.value;
        timeline$.next(reduceTimeline(before, event));
        return sentence(before, event);
      }),
      filter((text) => text !== undefined),
      share(), // one reduction, however many subscribers
    );
    const people$ = recorder.events$.pipe(
      scan(reduceRoster, emptyRoster(users, place.userId)),
      startWith(emptyRoster(users, place.userId)),
      distinctUntilChanged(),
    );
    const paper = document.querySelector<SVGSVGElement>("#paper");
    if (paper === null) throw new Error("the page has no #paper");

    const shown = showDiagram(timeline$, recorder, {
      labels: byId("labels"),
      scroller: byId("scroller"),
      paper,
      backToNow: byId<HTMLButtonElement>("back-to-now"),
    });
    shown.add(people$.pipe(tap(cardsIn(byId("people")))).subscribe());
    shown.add(showRecipients(people$, place, { policy: byId("policy"), result: byId("recipients") }).subscribe());
    shown.add(showChanges(recorder.events$, byId("changes-list"), byId("changes-none")).subscribe());
    shown.add(
      showTabs(recorder.events$, place.embedded, {
        headline: byId("tabs-headline"),
        meaning: byId("tabs-meaning"),
        lastTakeOver: byId("tabs-take-over"),
        open: byId("open-tab"),
      }).subscribe(),
    );
    shown.add(narrate(sentences$, byId("narration"), byId("transcript")).subscribe());
    shown.add(
      openSession(place, recorder.note, complain)
        .pipe(
          switchMap((session) =>
            merge(
              showButtons(
                session,
                { others: byId("others-list"), tricks: byId("tricks-list"), us: byId("us-list") },
                complain,
              ),
              acknowledging(session),
            ),
          ),
        )
        .subscribe(subscriber),
    );
    return shown;
  });
}
