import { map, merge, scan, tap, type Observable } from "rxjs";
import { element } from "../dom/element.js";

/** Different problems shown at most. */
const SHOWN = 6;

/** Shows problems, the latest first, with repetitions counted. They are forgotten when `reset$` emits. */
export function showProblems(
  problems$: Observable<string>,
  reset$: Observable<unknown>,
  list: HTMLElement,
  none: HTMLElement,
): Observable<unknown> {
  return merge(problems$, reset$.pipe(map(() => undefined))).pipe(
    scan(
      (counts, message) => (message === undefined ? new Map() : counted(counts, message)),
      new Map<string, number>(),
    ),
    tap((counts) => {
      none.hidden = counts.size > 0;
      list.replaceChildren(
        ...Array.from(counts, ([message, count]) =>
          element("li", { "data-problem": "" }, message, count > 1 && element("small", {}, ` (${count} times)`)),
        ),
      );
    }),
  );
}

function counted(counts: ReadonlyMap<string, number>, message: string): Map<string, number> {
  const others = [...counts].filter(([other]) => other !== message);
  return new Map([[message, (counts.get(message) ?? 0) + 1] as const, ...others].slice(0, SHOWN));
}
