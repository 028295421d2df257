import {
  asyncScheduler,
  BehaviorSubject,
  distinctUntilChanged,
  EMPTY,
  filter,
  map,
  merge,
  Observable,
  scan,
  share,
  shareReplay,
  startWith,
  switchMap,
  tap,
} from "rxjs";
import { showButtons } from "./controls/buttons.js";
import { emptyTimeline, reduceTimeline } from "./diagram/reduce-timeline.js";
import { showDiagram } from "./diagram/show-diagram.js";
import { byId } from "./dom/element.js";
import { Recorder } from "./events/recorder.js";
import type { TimedEvent, TrackerEvent } from "./events/tracker-event.js";
import { showHall } from "./hall/show-hall.js";
import { answerCards } from "./people/answer-cards.js";
import { cardsIn } from "./people/cards.js";
import { showChanges } from "./people/changes.js";
import { showRecipients } from "./people/recipients.js";
import { emptyRoster, reduceRoster, type Roster } from "./people/roster.js";
import { showRoom } from "./room/show-room.js";
import { openSession, type Session } from "./session/open-session.js";
import { usersOf, type Place } from "./session/place.js";
import { showTabs } from "./tabs/show-tabs.js";
import { narrate } from "./words/narrate.js";
import { sentence } from "./words/sentences.js";

/**
 * Shows one place; unsubscribing closes its tracker and clears the page.
 *
 * @param first what happened before, to be shown first
 */
export function showPlace(
  place: Place,
  complain: (message: string) => void,
  first?: TrackerEvent,
): Observable<unknown> {
  return new Observable((subscriber) => {
    nameThePlace(place);
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
    const roster = emptyRoster(users, place.userId, place.phoneShows);
    const people$ = recorder.events$.pipe(
      scan(reduceRoster, roster),
      startWith(roster),
      distinctUntilChanged(),
      shareReplay({ bufferSize: 1, refCount: true }),
    );

    const shown = showDiagram(timeline$, recorder, {
      labels: byId("labels"),
      scroller: byId("scroller"),
      paper: byId("paper"),
      backToNow: byId("back-to-now"),
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
    byId("hall").hidden = !place.embedded;
    if (place.embedded)
      shown.add(
        showHall(place, complain, {
          send: byId<HTMLButtonElement>("hall-send"),
          progress: byId<HTMLProgressElement>("hall-progress"),
          words: byId("hall-words"),
        }).subscribe(),
      );
    shown.add(narrate(sentences$, byId("narration"), byId("transcript")).subscribe());
    if (first !== undefined) recorder.note(first);
    shown.add(
      openSession(place, recorder.note, complain)
        .pipe(switchMap((session) => merge(controls(session, complain), roomOf(session, people$, complain))))
        .subscribe(subscriber),
    );
    return shown;
  });
}

/** What depends on whether the homeserver obeys the page. */
function nameThePlace({ embedded, homeserverUrl }: Place): void {
  byId("go-back").hidden = embedded;
  for (const id of ["others", "tricks", "start-over", "room-entry"]) byId(id).hidden = !embedded;
  byId("where").textContent = embedded ? "the homeserver that comes with this page" : homeserverUrl;
}

function controls(session: Session, complain: (message: string) => void): Observable<unknown> {
  const lists = { others: byId("others-list"), tricks: byId("tricks-list"), us: byId("us-list") };
  const chain = {
    dialog: byId<HTMLDialogElement>("chain"),
    title: byId("chain-title"),
    content: byId("chain-content"),
    copy: byId<HTMLButtonElement>("chain-copy"),
    copied: byId("chain-copied"),
  };
  return merge(showButtons(session, lists, complain), answerCards(session, byId("people"), chain, complain));
}

function roomOf(
  session: Session,
  roster$: Observable<Roster>,
  complain: (message: string) => void,
): Observable<unknown> {
  const { room } = session;
  if (room === undefined) return EMPTY;
  const elements = {
    open: byId<HTMLButtonElement>("room-open"),
    content: byId("room"),
    instead: byId("recipients"),
    policy: byId("policy"),
    visibility: byId<HTMLSelectElement>("room-visibility"),
    form: byId<HTMLFormElement>("room-form"),
    text: byId<HTMLInputElement>("room-text"),
    plan: byId("room-plan"),
    members: byId("room-members"),
    log: byId("room-log"),
    sent: byId("room-sent"),
  };
  return showRoom(room, session, roster$, elements, complain);
}
