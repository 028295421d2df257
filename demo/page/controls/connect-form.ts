import {
  catchError,
  defer,
  EMPTY,
  exhaustMap,
  finalize,
  fromEvent,
  ignoreElements,
  map,
  merge,
  tap,
  type Observable,
} from "rxjs";
import { matrixHttp, ownDevice } from "matrix-device-tracker/http";
import { byId } from "../dom/element.js";
import type { Place } from "../session/place.js";
import { FieldError, type Field } from "./field-error.js";
import { hideFieldErrors, showFieldError } from "./show-field-error.js";
import { typedUsers } from "./typed-users.js";

/**
 * Places typed into the form whose token may be used: its device has no keys. What is wrong is shown beside the field
 * that it is about.
 */
export function typedPlaces(): Observable<Place> {
  const form = byId<HTMLFormElement>("connect-form");
  const submit = byId("connect-submit");
  const status = byId("connect-status");

  const places$ = fromEvent(form, "submit").pipe(
    tap((event) => event.preventDefault()),
    exhaustMap(() => {
      hideFieldErrors(form);
      submit.setAttribute("aria-disabled", "true");
      status.textContent = "Checking the token …";
      return typedPlace(form).pipe(
        tap(() => {
          form.reset(); // the token must not stay in the page
          scrollTo({ top: 0 }); // everything above shows the other homeserver now
          byId("diagram").focus({ preventScroll: true });
        }),
        catchError((error: unknown) => {
          showFieldError(form, FieldError.of(error));
          return EMPTY;
        }),
        finalize(() => {
          submit.removeAttribute("aria-disabled");
          status.textContent = "";
        }),
      );
    }),
  );
  const edits$ = fromEvent(form, "input").pipe(tap(() => hideFieldErrors(form)));
  return merge(places$, edits$.pipe(ignoreElements()));
}

function typedPlace(form: HTMLFormElement): Observable<Place> {
  return defer(() => {
    const typed = new FormData(form);
    const text = (name: Field) => {
      const value = typed.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    const [homeserverUrl, accessToken, members] = [text("address"), text("token"), typedUsers(text("users"))];
    return ownDevice(matrixHttp({ homeserverUrl, accessToken })).pipe(
      map((device) => ({ homeserverUrl, accessToken, ...device, members, shown: members, embedded: false })),
    );
  });
}
