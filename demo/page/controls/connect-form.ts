import { catchError, EMPTY, exhaustMap, finalize, fromEvent, map, type Observable } from "rxjs";
import { byId, element } from "../dom/element.js";
import { ownDevice } from "../session/own-device.js";
import type { Place } from "../session/place.js";
import { messageOf } from "../words/message-of.js";

/** Places typed into the form whose token may be used: its device has no keys. A refusal is shown beside the form. */
export function typedPlaces(): Observable<Place> {
  const form = byId<HTMLFormElement>("connect-form");
  const result = byId("connect-result");
  const submit = byId<HTMLButtonElement>("connect-submit");
  const field = (name: string) => {
    const value = new FormData(form).get(name);
    return typeof value === "string" ? value.trim() : "";
  };

  return fromEvent(form, "submit").pipe(
    exhaustMap((event) => {
      event.preventDefault();
      submit.setAttribute("aria-disabled", "true");
      result.replaceChildren(element("p", {}, "Checking the token …"));
      const [homeserverUrl, accessToken] = [field("address"), field("token")];
      const members = field("users")
        .split(/[\s,]+/u)
        .filter((userId) => userId !== "");
      return ownDevice(homeserverUrl, accessToken).pipe(
        map((device): Place => {
          result.replaceChildren(element("p", {}, `Connected as ${device.userId}, device ${device.deviceId}.`));
          form.reset(); // the token must not stay in the page
          return { homeserverUrl, accessToken, ...device, members, shown: members, embedded: false };
        }),
        catchError((error: unknown) => {
          result.replaceChildren(element("p", { class: "refused", "data-refused": "" }, messageOf(error)));
          return EMPTY;
        }),
        finalize(() => submit.removeAttribute("aria-disabled")),
      );
    }),
  );
}
