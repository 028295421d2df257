import { filter, finalize, tap, type Observable } from "rxjs";
import type { UserId } from "matrix-device-tracker";
import { element } from "../dom/element.js";
import type { TimedEvent } from "../events/tracker-event.js";
import { clockTime } from "../words/clock-time.js";
import { decisionWords } from "../words/decision-words.js";
import { shortName } from "../words/names.js";
import { changesIn, type Change } from "../words/update-words.js";

/** Changes kept in the list. */
const KEPT = 40;

/** Lists what saved answers and a person's decisions changed, the latest first. */
export function showChanges(
  events$: Observable<TimedEvent>,
  list: HTMLElement,
  none: HTMLElement,
): Observable<unknown> {
  const show = (userId: UserId, changes: readonly Pick<Change, "kind" | "text" | "grave">[]) => {
    list.prepend(
      element(
        "li",
        { "data-update": userId },
        element(
          "p",
          { class: "user" },
          element("strong", {}, shortName(userId)),
          element("small", {}, clockTime(Date.now())),
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
    filter((event) => event.type === "updated" || event.type === "decided"),
    tap((event) => {
      if (event.type === "updated") show(event.update.userId, changesIn(event.update, event.names));
      else
        show(event.userId, [{ kind: "identity", text: decisionWords(event.decision, event.elsewhere), grave: false }]);
    }),
    finalize(() => {
      list.replaceChildren();
      none.hidden = false;
      list.hidden = true;
    }),
  );
}
