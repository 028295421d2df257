import { element } from "../dom/element.js";
import { fingerprint } from "../words/fingerprint.js";
import { shortName } from "../words/names.js";
import { identityMark, IDENTITIES } from "../words/trust-words.js";
import type { Person } from "./person.js";

/** What is known of a user's identity; if it has changed, what that may mean, and the button to acknowledge it. */
export function drawIdentity({ userId, own, identity }: Person): HTMLElement {
  const mark = identityMark(identity);
  const { word, meaning } = own && mark === "seen" ? OURS : IDENTITIES[mark];
  const { masterKey = "", pinnedMasterKey = "" } = identity;
  if (mark !== "changed")
    return element(
      "p",
      {
        class: `identity ${mark}`,
        "data-identity": mark,
        title: `${meaning}${masterKey === "" ? "" : ` Master key ${masterKey}`}`,
      },
      word,
    );
  const name = shortName(userId);
  return element(
    "div",
    { class: "identity changed", "data-identity": mark },
    element("p", { class: "headline" }, word),
    element(
      "p",
      { class: "what-now" },
      own
        ? "The server returns an identity that is not yours. If you did not just reset it, the server is lying: do not acknowledge it."
        : `${name} may have reset it, or someone may be impersonating ${name}. Ask ${name} in person, and compare:`,
    ),
    element("p", { class: "master-keys" }, "was ", code(pinnedMasterKey), element("br"), "now ", code(masterKey)),
    element(
      "button",
      {
        type: "button",
        "data-acknowledge": userId,
        "data-master-key": masterKey,
        "aria-label": own ? "Acknowledge your own new identity" : `Acknowledge the new identity of ${name}`,
      },
      "Acknowledge",
    ),
  );
}

const OURS = { word: "your own identity", meaning: "It is the one seen first. What it signs is verified by you." };

const code = (key: string): HTMLElement => element("code", { title: key }, fingerprint(key, 3));
