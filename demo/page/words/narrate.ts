import { buffer, debounceTime, merge, tap, type Observable } from "rxjs";
import { element } from "../dom/element.js";

/** Events closer together than this are told together, in ms: a screen reader reads whole sentences. */
const TOGETHER = 350;
/** How many sentences the transcript keeps. */
const KEPT = 80;

/** Tells what happened: the last of it in the live region, all of it in the transcript. `sentences$` is hot. */
export function narrate(
  sentences$: Observable<string>,
  live: HTMLElement,
  transcript: HTMLElement,
): Observable<unknown> {
  return merge(
    sentences$.pipe(
      buffer(sentences$.pipe(debounceTime(TOGETHER))),
      tap((sentences) => live.replaceChildren(sentences.join(" "))),
    ),
    sentences$.pipe(
      tap((sentence) => {
        transcript.prepend(element("li", {}, sentence));
        while (transcript.children.length > KEPT) transcript.lastElementChild?.remove();
      }),
    ),
  );
}
