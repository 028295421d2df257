import { buffer, debounceTime, finalize, merge, tap, type Observable } from "rxjs";
import { element } from "../dom/element.js";

/** Sentences closer together than this are shown together, in ms: a screen reader reads whole texts. */
const TOGETHER = 350;
/** Sentences kept in the transcript. */
const KEPT = 80;

/** Shows what happened: the latest in the live region, all of it in the transcript. `sentences$` is hot. */
export function narrate(
  sentences$: Observable<string>,
  live: HTMLElement,
  transcript: HTMLElement,
): Observable<unknown> {
  return merge(
    sentences$.pipe(
      buffer(sentences$.pipe(debounceTime(TOGETHER))),
      tap((sentences) => showLatest(sentences, live)),
    ),
    sentences$.pipe(
      tap((sentence) => {
        transcript.prepend(element("li", {}, sentence));
        while (transcript.children.length > KEPT) transcript.lastElementChild?.remove();
      }),
    ),
  ).pipe(
    finalize(() => {
      live.textContent = "Starting …";
      transcript.replaceChildren();
    }),
  );
}

/** Shows the sentences, without the earliest ones if there is no room: they are in the transcript. */
function showLatest(sentences: readonly string[], live: HTMLElement): void {
  live.textContent = sentences.join(" ");
  if (sentences.length > 1 && live.scrollHeight > live.clientHeight) showLatest(sentences.slice(1), live);
}
