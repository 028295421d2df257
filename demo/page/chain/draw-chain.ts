import { element } from "../dom/element.js";
import type { ChainWords, LinkWords } from "../words/chain-words.js";

/** A chain of keys, from the first one to the device. */
export function drawChain({ trust, limit, refusal, links }: ChainWords): readonly HTMLElement[] {
  const texts = [trust, limit].filter((text) => text !== "").join(" ");
  return [
    element("p", { class: "trust" }, texts),
    ...(refusal === undefined ? [] : [element("p", { class: "refusal" }, refusal)]),
    element("ol", { class: "links", "aria-label": "The chain of keys" }, ...links.map(drawLink)),
  ];
}

function drawLink({ kind, evidence, what, key, tie, isWeakest }: LinkWords): HTMLElement {
  return element(
    "li",
    { "data-link": kind, "data-evidence": evidence, "data-weakest": isWeakest },
    element("p", { class: "tie" }, tie),
    element("p", { class: "what" }, what, isWeakest && element("span", { class: "tag" }, "weakest link")),
    element("code", {}, key),
  );
}
