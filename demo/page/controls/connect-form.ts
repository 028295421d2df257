import { catchError, EMPTY, exhaustMap, finalize, fromEvent, map, type Observable } from "rxjs";
import { byId, element } from "../dom/element.js";
import { ownDevice } from "../session/own-device.js";
import type { Place } from "../session/place.js";
import { messageOf } from "../words/message-of.js";

/** Places that a person typed and that may be used: the token's device has no keys. A refusal is shown where it was typed. */
export function typedPlaces(): Observable<Place> {
  const form = byId<HTMLFormElement>("connect-form");
  const said = byId("connect-said");
  const submit = byId<HTMLButtonElement>("connect-submit");
  const field = (name: string) => {
    const value = new FormData(form).get(name);
    return typeof value === "string" ? value.trim() : "";
  };

  return fromEvent(form, "submit").pipe(
    exhaustMap((event) => {
      event.preventDefault();
      submit.setAttribute("aria-disabled", "true");
      said.replaceChildren(element("p", {}, "Asking the server whose token this is …"));
      const [homeserverUrl, accessToken] = [field("address"), field("token")];
      const members = field("users")
        .split(/[\s,]+/u)
        .filter((userId) => userId !== "");
      return ownDevice(homeserverUrl, accessToken).pipe(
        map((device): Place => {
          said.replaceChildren(element("p", {}, `Connected as ${device.userId}, device ${device.deviceId}.`));
          form.reset(); // the token is not kept anywhere
          return { homeserverUrl, accessToken, ...device, members, shown: members, embedded: false };
        }),
        catchError((error: unknown) => {
          said.replaceChildren(element("p", { class: "refused", "data-refused": "" }, messageOf(error)));
          return EMPTY;
        }),
        finalize(() => submit.removeAttribute("aria-disabled")),
      );
    }),
  );
}
