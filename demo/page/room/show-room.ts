import {
  BehaviorSubject,
  catchError,
  combineLatest,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  filter,
  fromEvent,
  map,
  merge,
  mergeMap,
  Observable,
  share,
  startWith,
  Subject,
  switchMap,
  tap,
  withLatestFrom,
} from "rxjs";
import type { RecipientPolicy } from "matrix-device-tracker";
import type { HistoryVisibility, RoomRecipients } from "matrix-device-tracker/rooms";
import { chosenPolicy } from "../people/chosen-policy.js";
import type { Roster } from "../people/roster.js";
import type { Session } from "../session/open-session.js";
import type { OurRoom } from "../session/our-room.js";
import { messageOf } from "../words/message-of.js";
import { drawPlan } from "./draw-plan.js";
import { drawSent } from "./draw-sent.js";
import { memberRow } from "./member-row.js";
import { keyAfterSending, planFor, type RoomKey } from "./room-key.js";

/** Messages kept in the list. */
const KEPT = 8;

/** Where the room is shown. */
export interface RoomElements {
  readonly open: HTMLButtonElement;
  readonly content: HTMLElement;
  /** What is shown while the room is closed. */
  readonly instead: HTMLElement;
  readonly policy: HTMLElement;
  readonly visibility: HTMLSelectElement;
  readonly form: HTMLFormElement;
  readonly text: HTMLInputElement;
  readonly plan: HTMLElement;
  readonly members: HTMLElement;
  readonly log: HTMLElement;
  readonly sent: HTMLElement;
}

/** The room of a session, while it is open: who would get a message, who would not, and what happens to its key. */
export function showRoom(
  room: OurRoom,
  { users, place }: Session,
  roster$: Observable<Roster>,
  elements: RoomElements,
  complain: (message: string) => void,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const { members, log, sent, text, plan } = elements;
    const key$ = new BehaviorSubject<RoomKey | undefined>(undefined);
    const policy$ = chosenPolicy(elements.policy).pipe(map((devices): RecipientPolicy => ({ devices })));
    /** What was found when a message was sent: users who are only invited are looked up then. */
    const found$ = new Subject<RoomRecipients>();
    const rows = users.map((userId) => memberRow(userId, userId === place.userId));
    members.replaceChildren(...rows.map(({ item }) => item));
    const reported = <T>(action$: Observable<T>): Observable<T> =>
      action$.pipe(
        catchError((error: unknown) => {
          complain(messageOf(error));
          return EMPTY;
        }),
      );

    // A watcher does not learn what a lookup has found of users who are not tracked: it looks again.
    const outgrown$ = found$.pipe(filter(({ uncertain }) => uncertain.length > 0));
    const watched$ = policy$.pipe(
      switchMap((policy) =>
        outgrown$.pipe(
          startWith(undefined),
          switchMap(() => reported(room.watch(policy))),
        ),
      ),
    );
    const now$ = merge(watched$, found$).pipe(share());
    const drawn$ = combineLatest({ now: now$, key: key$, roster: roster$ }).pipe(
      tap((state) => {
        for (const { put } of rows) put(state);
        showPlan(plan, drawPlan(state.now, state.key));
        for (const hidden of [elements.form, elements.visibility.parentElement!])
          hidden.hidden = state.now === undefined;
      }),
    );
    const visibility$ = now$.pipe(
      map((now) => now?.historyVisibility),
      filter((visibility) => visibility !== undefined),
      distinctUntilChanged(),
      tap((visibility) => (elements.visibility.value = visibility)),
    );
    const send = (message: string, now: RoomRecipients) => {
      const before = key$.value;
      const todo = planFor(before, now);
      const key = keyAfterSending(before, todo, now);
      sent.prepend(drawSent(message, todo, before, key));
      while (sent.children.length > KEPT) sent.lastElementChild?.remove();
      log.hidden = false;
      text.value = "";
      found$.next(now);
      key$.next(key);
    };
    const sending$ = fromEvent(elements.form, "submit").pipe(
      tap((event) => event.preventDefault()),
      map(() => text.value.trim()),
      filter((message) => message !== ""),
      withLatestFrom(policy$),
      exhaustMap(([message, policy]) => reported(room.recipients(policy).pipe(tap((now) => send(message, now))))),
    );
    const acting$ = merge(
      ...rows.map(({ pressed$ }) => pressed$),
      fromEvent(elements.visibility, "change").pipe(
        map(
          () =>
            ({ setVisibility }: OurRoom) =>
              setVisibility(elements.visibility.value as HistoryVisibility),
        ),
      ),
    ).pipe(mergeMap((act) => reported(act(room))));

    const shown = opened(elements)
      .pipe(switchMap((isOpen) => (isOpen ? merge(drawn$, visibility$, sending$, acting$) : EMPTY)))
      .subscribe(subscriber);
    return () => {
      shown.unsubscribe();
      for (const list of [members, sent, plan]) list.replaceChildren();
      log.hidden = true;
      setOpen(elements, false);
    };
  });
}

/** Whether the room is open, now and after each push of its button. It stays open when the homeserver is reset. */
function opened(elements: RoomElements): Observable<boolean> {
  const { open, text } = elements;
  const isOpen = () => open.getAttribute("aria-expanded") === "true";
  return fromEvent(open, "click").pipe(
    tap(() => open.setAttribute("aria-expanded", String(!isOpen()))),
    startWith(undefined),
    map((click) => {
      setOpen(elements, isOpen());
      if (click !== undefined && isOpen()) text.focus();
      return isOpen();
    }),
  );
}

function setOpen({ open, content, instead }: RoomElements, isOpen: boolean): void {
  open.textContent = isOpen ? "Close the room" : "Write in the room";
  content.hidden = !isOpen;
  instead.hidden = isOpen;
}

/** What stays the same is not announced again. */
function showPlan(plan: HTMLElement, drawn: HTMLElement): void {
  if (plan.firstElementChild?.outerHTML !== drawn.outerHTML) plan.replaceChildren(drawn);
}
