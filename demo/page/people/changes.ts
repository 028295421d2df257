import { filter, finalize, tap, type Observable } from "rxjs";
import { element } from "../dom/element.js";
import type { TimedEvent } from "../events/tracker-event.js";
import { shortName } from "../words/names.js";
import { changesIn, type Change } from "../words/update-words.js";

/** How many changes the list keeps. */
const KEPT = 40;

/** Lists what the answers changed, the latest first, one line for each thing. */
export function showChanges(
  events$: Observable<TimedEvent>,
  list: HTMLElement,
  none: HTMLElement,
): Observable<unknown> {
  const show = (
    who: string,
    user: string,
    changes: readonly Pick<Change, "kind" | "text" | "grave">[],
    heard: boolean,
  ) => {
    list.prepend(
      element(
        "li",
        { "data-update": user, "data-heard": heard },
        element(
          "p",
          { class: "who" },
          element("strong", {}, who),
          element("small", {}, heard ? `${clock()}, another tab asked` : clock()),
        ),
        ...changes.map(({ kind, text, grave }) =>
          element("p", { class: grave ? "grave" : undefined, "data-change": kind }, text),
        ),
      ),
    );
    while (list.children.length > KEPT) list.lastElementChild?.remove();
    none.hidden = true;
    list.hidden = false;
  };
  return events$.pipe(
    filter((event) => event.type === "updated" || event.type === "acknowledged"),
    tap((event) => {
      if (event.type === "updated")
        show(shortName(event.update.userId), event.update.userId, changesIn(event.update, event.names), event.heard);
      else
        show(
          shortName(event.userId),
          event.userId,
          [{ kind: "identity", text: "The new identity is acknowledged.", grave: false }],
          event.heard,
        );
    }),
    finalize(() => {
      list.replaceChildren();
      none.hidden = false;
      list.hidden = true;
    }),
  );
}

const clock = (): string =>
  new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
