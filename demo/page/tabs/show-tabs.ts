import { filter, finalize, merge, tap, type Observable } from "rxjs";
import type { TimedEvent } from "../events/tracker-event.js";
import { meaningOf, takeOverSentence, WHICH_SYNCS } from "../words/tab-words.js";

export interface TabElements {
  readonly headline: HTMLElement;
  readonly meaning: HTMLElement;
  /** The last take-over; it stays until the next one. */
  readonly lastTakeOver: HTMLElement;
  /** The link that opens another tab. */
  readonly open: HTMLElement;
}

/**
 * Shows whether this tab syncs, on the page and in its title. A new tab starts with the embedded homeserver, so with
 * another one there is no link.
 */
export function showTabs(
  events$: Observable<TimedEvent>,
  embedded: boolean,
  { headline, meaning, lastTakeOver, open }: TabElements,
): Observable<unknown> {
  const [title, unknown] = [document.title, headline.textContent];
  open.hidden = !embedded;
  const states$ = events$.pipe(
    filter((event) => event.type === "tabs"),
    tap((state) => {
      headline.textContent = WHICH_SYNCS[state.role];
      meaning.textContent = meaningOf(state);
      headline.dataset.syncs = state.role;
      headline.dataset.open = String(state.open ?? "");
      document.title = `${IN_TITLE[state.role]} · ${title}`;
    }),
  );
  const takeOvers$ = events$.pipe(
    filter((event) => event.type === "took-over"),
    tap(({ by, takeOver }) => {
      lastTakeOver.textContent = takeOverSentence(by, takeOver);
      lastTakeOver.hidden = false;
    }),
  );
  return merge(states$, takeOvers$).pipe(
    finalize(() => {
      [document.title, headline.textContent, meaning.textContent] = [title, unknown, ""];
      delete headline.dataset.syncs;
      delete headline.dataset.open;
      lastTakeOver.hidden = true;
    }),
  );
}

const IN_TITLE = { "this tab": "syncs", "each tab": "syncs", "another tab": "follows", "no tab": "idle" } as const;
