import { fromEvent, map, startWith, type Observable } from "rxjs";

/** Whether a media query matches, now and from each change on. */
export function mediaMatches(query: string): Observable<boolean> {
  const list = matchMedia(query);
  return fromEvent(list, "change").pipe(
    startWith(undefined),
    map(() => list.matches),
  );
}
