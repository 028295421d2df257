import {
  catchError,
  defer,
  EMPTY,
  exhaustMap,
  finalize,
  fromEvent,
  startWith,
  switchMap,
  take,
  takeWhile,
  tap,
  type Observable,
} from "rxjs";
import type { Place } from "../session/place.js";
import { messageOf } from "../words/message-of.js";
import { longestTask } from "./longest-task.js";
import { openHall, type Hall, type HallNews } from "./open-hall.js";

/** Where the great room is shown. */
export interface HallElements {
  readonly send: HTMLButtonElement;
  readonly progress: HTMLProgressElement;
  readonly words: HTMLElement;
}

/** At each push of the button, who gets a message in the great room: how far the answer is, and what it cost. */
export function showHall(
  place: Place,
  complain: (message: string) => void,
  { send, progress, words }: HallElements,
): Observable<unknown> {
  const ask = (hall: Hall) =>
    defer(() => {
      const started = performance.now();
      const longest = longestTask();
      send.setAttribute("aria-disabled", "true");
      return hall.ask().pipe(
        tap((news) => {
          if (news.type === "progress") showProgress(news, progress, words);
          else words.textContent = answerIn(news, performance.now() - started, longest.ms());
        }),
        takeWhile(({ type }) => type !== "answer"),
        catchError((error: unknown) => {
          words.textContent = "";
          complain(`The great room: ${messageOf(error)}`);
          return EMPTY;
        }),
        finalize(() => {
          longest.stop();
          progress.hidden = true;
          send.removeAttribute("aria-disabled");
        }),
      );
    });
  const clicks$ = fromEvent(send, "click");
  return clicks$.pipe(
    take(1),
    switchMap(() => openHall(place)),
    switchMap((hall) =>
      clicks$.pipe(
        startWith(undefined),
        exhaustMap(() => ask(hall)),
      ),
    ),
    finalize(() => (words.textContent = "")),
  );
}

/** Nothing is shown while there is nothing to fetch: an answer from memory needs no bar. */
function showProgress(
  { activity: { fetched, toFetch, verified } }: Extract<HallNews, { type: "progress" }>,
  progress: HTMLProgressElement,
  words: HTMLElement,
): void {
  progress.hidden = toFetch === 0 || fetched === toFetch;
  if (progress.hidden) return;
  progress.max = toFetch;
  progress.value = fetched;
  words.textContent = `${count(fetched)} of ${count(toFetch)} people, ${count(verified)} signatures verified`;
}

function answerIn({ devices, people }: Extract<HallNews, { type: "answer" }>, ms: number, longest: number): string {
  const took = ms < 1_000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
  const pause =
    longest === 0 ? "no task of the page took over 50 ms" : `the longest task of the page took ${longest} ms`;
  return `${count(devices)} devices of ${count(people)} people, known after ${took}; ${pause}.`;
}

const count = (value: number): string => value.toLocaleString("en");
