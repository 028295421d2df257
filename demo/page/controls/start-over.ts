import { catchError, defer, EMPTY, exhaustMap, finalize, fromEvent, map, merge, tap, type Observable } from "rxjs";
import { openChannel } from "../events/channel.js";
import { control } from "../session/embedded-homeserver.js";
import { messageOf } from "../words/message-of.js";

/**
 * Resets the embedded homeserver at the push of the button. Emits in all tabs: what they know is of a world that no
 * longer exists.
 */
export function startsOver(
  button: HTMLButtonElement,
  complain: (message: string) => void,
): Observable<{ readonly elsewhere: boolean }> {
  return defer(() => {
    const channel = openChannel<"started over">("start-over");
    const here$ = fromEvent(button, "click").pipe(
      exhaustMap(() =>
        control("start-over", {}).pipe(
          catchError((error: unknown) => {
            complain(`The embedded homeserver could not be reset: ${messageOf(error)}`);
            return EMPTY;
          }),
        ),
      ),
      tap(() => channel.send("started over")),
      map(() => ({ elsewhere: false })),
    );
    const elsewhere$ = channel.messages$.pipe(map(() => ({ elsewhere: true })));
    return merge(here$, elsewhere$).pipe(finalize(() => channel.close()));
  });
}
