import { element } from "../dom/element.js";
import { shortName } from "../words/names.js";
import { identityMark, IDENTITIES } from "../words/trust-words.js";
import type { Person } from "./roster.js";

/** What is known of a person's identity; where it has changed, what that may mean, and the button that only a person should press. */
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
        ? "The server gives you another identity than yours. If you did not reset it just now, the server is lying: do not acknowledge."
        : `${name} may have reset it, or somebody stands in ${name}’s place. Ask ${name} in person, and compare:`,
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

const OURS = { word: "your own identity", meaning: "As it was first seen. What it signs is verified by you." };

const code = (key: string): HTMLElement =>
  element(
    "code",
    { title: key },
    `${
      key
        .match(/.{1,4}/g)
        ?.slice(0, 3)
        .join(" ") ?? ""
    } …`,
  );
