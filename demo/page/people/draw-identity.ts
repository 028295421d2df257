import { element } from "../dom/element.js";
import { fingerprint } from "../words/fingerprint.js";
import { identityNotice } from "../words/identity-notices.js";
import { IDENTITIES, identityMark, type IdentityMark } from "../words/trust-words.js";
import { actionButton } from "./card-action.js";
import { confirmedKey } from "../events/confirmed-key.js";
import type { Person } from "./person.js";

/** What is known of a user's identity; if a person has to decide, what it may mean, and the button. */
export function drawIdentity(person: Person): HTMLElement {
  const mark = markOf(person);
  const notice = identityNotice(mark, person);
  const { userId, identity } = person;
  const { word, meaning } = IDENTITIES[mark];
  if (notice === undefined)
    return element(
      "p",
      {
        class: `identity ${mark}`,
        "data-identity": mark,
        title: `${meaning}${identity.masterKey === undefined ? "" : ` Master key ${identity.masterKey}`}`,
      },
      word,
    );
  const { text, keys, action, button, label } = notice;
  return element(
    "div",
    { class: `identity notice ${mark}`, "data-identity": mark },
    element("p", { class: "headline", title: meaning }, word),
    element("p", { class: "what-now" }, text),
    keys.length > 0 &&
      element(
        "dl",
        { class: "master-keys" },
        ...keys.flatMap(([whose, key]) => [element("dt", {}, whose), drawKey(key)]),
      ),
    actionButton({ action, userId, subject: identity.masterKey ?? "" }, { label }, button),
  );
}

/** Our own identity counts only once it is confirmed. */
function markOf({ own, identity, history }: Person): IdentityMark {
  if (!own || identity.state !== "unchanged") return identityMark(identity);
  return confirmedKey(history) === identity.masterKey ? "confirmed" : "unconfirmed";
}

const drawKey = (key: string): HTMLElement => element("dd", {}, element("code", { title: key }, fingerprint(key, 3)));
