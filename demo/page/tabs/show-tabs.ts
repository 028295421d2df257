import { filter, finalize, merge, tap, type Observable } from "rxjs";
import type { TimedEvent } from "../events/tracker-event.js";
import { takeOverSentence, WHO_SYNCS, whatItMeans } from "../words/tab-words.js";

export interface TabElements {
  readonly who: HTMLElement;
  readonly what: HTMLElement;
  /** The last take-over. It is announced with all that happens, and stays here. */
  readonly happened: HTMLElement;
  /** The link to one more tab. */
  readonly open: HTMLElement;
}

/** Shows whether this tab syncs, here and in the browser's row of tabs. A new tab begins at the embedded homeserver, so elsewhere there is no link to one. */
export function showTabs(
  events$: Observable<TimedEvent>,
  embedded: boolean,
  { who, what, happened, open }: TabElements,
): Observable<unknown> {
  const [title, asking] = [document.title, who.textContent];
  open.hidden = !embedded;
  const states$ = events$.pipe(
    filter((event) => event.type === "tabs"),
    tap((state) => {
      who.textContent = WHO_SYNCS[state.role];
      what.textContent = whatItMeans(state);
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
      [document.title, who.textContent, what.textContent] = [title, asking, ""];
      delete who.dataset.syncs;
      delete who.dataset.open;
      happened.hidden = true;
    }),
  );
}

const IN_TITLE = { "this tab": "syncs", "each tab": "syncs", "another tab": "listens", nobody: "idle" } as const;
