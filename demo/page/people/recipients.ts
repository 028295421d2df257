import { combineLatest, distinctUntilChanged, map, tap, type Observable } from "rxjs";
import { recipients, type RecipientPolicy } from "matrix-device-tracker";
import { element } from "../dom/element.js";
import type { Place } from "../session/place.js";
import { leftOutWords } from "../words/left-out-words.js";
import { devices as count, nameThem, people } from "../words/names.js";
import { chosenPolicy } from "./chosen-policy.js";
import { lookUpOf, type Roster } from "./roster.js";

/** Shows which devices would get a message under the chosen policy, and why the others would not. */
export function showRecipients(
  roster$: Observable<Roster>,
  { userId, deviceId }: Place,
  { policy, result }: { readonly policy: HTMLElement; readonly result: HTMLElement },
): Observable<unknown> {
  return combineLatest([roster$, chosenPolicy(policy)]).pipe(
    map(([roster, devices]) => ({ devices, drawn: draw(roster, { devices, ownDevice: { userId, deviceId } }) })),
    distinctUntilChanged((a, b) => a.devices === b.devices && a.drawn.outerHTML === b.drawn.outerHTML),
    tap(({ devices, drawn }) => {
      // Announced to screen readers when the policy was changed. Changes of lists are in the narration.
      result.setAttribute("aria-live", devices === result.dataset.policy ? "off" : "polite");
      result.dataset.policy = devices;
      result.replaceChildren(drawn);
    }),
  );
}

function draw(roster: Roster, policy: RecipientPolicy): HTMLElement {
  const { devices, leftOut, uncertain } = recipients(lookUpOf(roster), policy);
  const reachedUsers = new Set(devices.map(({ userId }) => userId)).size;
  return element(
    "div",
    { "data-devices": devices.length, "data-left-out": leftOut.length },
    element("p", {}, `${count(devices.length)} of ${people(reachedUsers)} would get it.`),
    leftOut.length > 0 && element("p", { class: "title" }, "Left out:"),
    leftOut.length > 0 &&
      element(
        "ul",
        { class: "left-out", "aria-label": "Left out" },
        ...leftOut.map((left) => {
          const { name, why } = leftOutWords(roster, left);
          return element(
            "li",
            { "data-reason": left.reason, "data-whose": left.userId },
            element("strong", {}, name),
            `: ${why}`,
          );
        }),
      ),
    uncertain.length > 0 &&
      element(
        "p",
        { class: "uncertain", "data-uncertain": uncertain.length },
        `Uncertain: ${nameThem(uncertain)}. A device may be missing, or still listed after it was removed.`,
      ),
  );
}
