import {
  catchError,
  concat,
  EMPTY,
  fromEvent,
  map,
  merge,
  of,
  share,
  startWith,
  Subject,
  switchAll,
  switchMap,
  type Observable,
} from "rxjs";
import { typedPlaces } from "./controls/connect-form.js";
import { showProblems } from "./controls/problems.js";
import { startsOver } from "./controls/start-over.js";
import { drawLegend } from "./diagram/legend.js";
import { byId } from "./dom/element.js";
import type { TrackerEvent } from "./events/tracker-event.js";
import { embeddedPlace } from "./session/embedded-homeserver.js";
import type { Place } from "./session/place.js";
import { showPlace } from "./show-place.js";
import { messageOf } from "./words/message-of.js";

const problems$ = new Subject<string>();
const complain = (message: string) => problems$.next(message);
const startedOver$ = startsOver(byId("start-over"), complain).pipe(share());

/** A place to show, and what led there; nothing while there is none. */
type Opening = { readonly place: Place; readonly first?: TrackerEvent } | undefined;

/** The embedded homeserver, and again whenever it was reset: the session before then ends at once. */
const embedded$: Observable<Opening> = startedOver$.pipe(
  map(({ elsewhere }): TrackerEvent => ({ type: "started-over", elsewhere })),
  startWith(undefined),
  switchMap((first) =>
    concat(
      of(undefined),
      embeddedPlace().pipe(
        map((place) => ({ place, ...(first && { first }) })),
        catchError((error: unknown) => {
          complain(`The embedded homeserver did not answer: ${messageOf(error)}`);
          return EMPTY;
        }),
      ),
    ),
  ),
);
const openings$: Observable<Opening> = merge(
  fromEvent(byId("go-back"), "click").pipe(
    startWith(undefined),
    map(() => embedded$),
  ),
  typedPlaces().pipe(map((place) => of({ place }))),
).pipe(switchAll());

drawLegend(byId("legend"));
showProblems(problems$, startedOver$, byId("problems-list"), byId("problems-none")).subscribe();
openings$
  .pipe(switchMap((opening) => (opening === undefined ? EMPTY : showPlace(opening.place, complain, opening.first))))
  .subscribe();
