import { filter, fromEvent, map, type Observable } from "rxjs";
import type { UserId } from "matrix-device-tracker";

/** Emits when the button of a changed identity is pressed: its user, and the master key that was shown. */
export function acknowledgements(
  cards: HTMLElement,
): Observable<{ readonly userId: UserId; readonly masterKey: string }> {
  return fromEvent(cards, "click").pipe(
    map(({ target }) =>
      target instanceof Element ? target.closest<HTMLElement>("[data-acknowledge]")?.dataset : undefined,
    ),
    filter((data) => data !== undefined),
    map(({ acknowledge: userId = "", masterKey = "" }) => ({ userId, masterKey })),
  );
}
