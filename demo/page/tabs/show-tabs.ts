import { filter, finalize, merge, tap, type Observable } from "rxjs";
import type { TimedEvent } from "../events/tracker-event.js";
import { meaningOf, takeOverSentence, WHICH_SYNCS } from "../words/tab-words.js";

export interface TabElements {
  readonly who: HTMLElement;
  readonly what: HTMLElement;
  /** The last take-over; it stays until the next one. */
  readonly happened: HTMLElement;
  /** The link that opens another tab. */
  readonly open: HTMLElement;
}

/** Shows whether this tab syncs, on the page and in its title. A new tab starts with the embedded homeserver, so with another one there is no link. */
export function showTabs(
  events$: Observable<TimedEvent>,
  embedded: boolean,
  { who, what, happened, open }: TabElements,
): Observable<unknown> {
  const [title, unknown] = [document.title, who.textContent];
  open.hidden = !embedded;
  const states$ = events$.pipe(
    filter((event) => event.type === "tabs"),
    tap((state) => {
      who.textContent = WHICH_SYNCS[state.role];
      what.textContent = meaningOf(state);
      who.dataset.syncs = state.role;
      who.dataset.open = String(state.open ?? "");
      document.title = `${IN_TITLE[state.role]} · ${title}`;
    }),
  );
  const takeOvers$ = events$.pipe(
    filter((event) => event.type === "took-over"),
    tap(({ by, takeOver }) => {
      happened.textContent = takeOverSentence(by, takeOver);
      happened.hidden = false;
    }),
  );
  return merge(states$, takeOvers$).pipe(
    finalize(() => {
      [document.title, who.textContent, what.textContent] = [title, unknown, ""];
      delete who.dataset.syncs;
      delete who.dataset.open;
      happened.hidden = true;
    }),
  );
}

const IN_TITLE = { "this tab": "syncs", "each tab": "syncs", "another tab": "follows", "no tab": "idle" } as const;
