import {
  catchError,
  defer,
  distinctUntilChanged,
  exhaustMap,
  finalize,
  from,
  fromEvent,
  map,
  of,
  startWith,
  switchMap,
  take,
  takeUntil,
  tap,
  type Observable,
} from "rxjs";
import type { Explanation } from "../session/explain.js";
import { chainWords } from "../words/chain-words.js";
import { chainJson } from "./chain-json.js";
import { drawChain } from "./draw-chain.js";

/** The parts of the dialog. */
export interface ChainDialog {
  readonly dialog: HTMLDialogElement;
  readonly title: HTMLElement;
  readonly content: HTMLElement;
  readonly copy: HTMLButtonElement;
  readonly copied: HTMLElement;
}

/** Shows why a device is trusted as far as it is, kept up to date until the dialog is closed. */
export function showChain(explanations$: Observable<Explanation>, parts: ChainDialog): Observable<unknown> {
  const { dialog, title, content } = parts;
  const shown$ = explanations$.pipe(
    map((explanation) => ({ words: chainWords(explanation, Date.now()), json: chainJson(explanation.chain) })),
    distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
    tap(({ words }) => {
      title.textContent = words.title;
      content.replaceChildren(...drawChain(words));
      if (!dialog.open) dialog.showModal();
    }),
    switchMap(({ json }) => copying(json, parts)),
  );
  return shown$.pipe(
    takeUntil(fromEvent(dialog, "close").pipe(take(1))),
    finalize(() => dialog.close()),
  );
}

function copying(json: string, { copy, copied }: ChainDialog): Observable<unknown> {
  return fromEvent(copy, "click").pipe(
    exhaustMap(() =>
      defer(() => from(navigator.clipboard.writeText(json))).pipe(
        map(() => "Copied: each signature with the bytes that it covers."),
        catchError(() => of("The browser did not allow copying.")),
      ),
    ),
    startWith(""),
    tap((text) => (copied.textContent = text)),
  );
}
