import { scan, tap, type Observable } from "rxjs";
import { element } from "../dom/element.js";

/** Different problems shown at most. */
const SHOWN = 6;

/** Problems, the latest first, with repetitions counted. */
export function showProblems(problems$: Observable<string>, list: HTMLElement, none: HTMLElement): Observable<unknown> {
  return problems$.pipe(
    scan((counts, message) => {
      const count = (counts.get(message) ?? 0) + 1;
      const rest = [...counts].filter(([other]) => other !== message);
      return new Map([[message, count] as const, ...rest].slice(0, SHOWN));
    }, new Map<string, number>()),
    tap((counts) => {
      none.hidden = counts.size > 0;
      list.replaceChildren(
        ...[...counts].map(([message, count]) =>
          element("li", { "data-problem": "" }, message, count > 1 && element("small", {}, ` (${count} times)`)),
        ),
      );
    }),
  );
}
