import { element, svg } from "../dom/element.js";
import { glyph, glyphIcon, type Glyph } from "./glyphs.js";

/** What the signs mean, drawn with the shapes that the diagram itself uses. */
export function drawLegend(list: HTMLElement): void {
  list.replaceChildren(
    item(picture(svg("circle", { r: 8, class: "marble changed" })), "sync$ announced a change"),
    item(picture(svg("circle", { r: 8, class: "marble left" })), "… or that somebody left"),
    item(wide("", undefined), "a query, from sending to its answer"),
    item(wide("superseded", "superseded", true), "superseded: a change came in the middle"),
    item(wide("current", "current"), "the answer is current, and cached"),
    item(wide("untracked", "untracked"), "untracked: not announced to us, not cached"),
    item(wide("unreachable", "unreachable"), "their server is unreachable"),
    item(wide("aborted", "aborted"), "aborted: nobody waited any more"),
    item(glyphIcon("hit"), "from the cache, without a request"),
    item(line("current"), "the list we have is current"),
    item(line("outdated"), "outdated: a change was announced"),
    item(line("untracked"), "we are not told of changes"),
  );
}

function item(sign: Node, text: string): HTMLElement {
  return element("li", {}, sign, element("span", {}, text));
}

function picture(...children: SVGElement[]): SVGElement {
  return svg("svg", { viewBox: "-10 -10 20 20", class: "icon", "aria-hidden": "true" }, ...children);
}

function wide(outcome: string, end: Glyph | undefined, old = false): SVGElement {
  const bar = svg(
    "g",
    { class: `bar ${outcome}` },
    svg("rect", { class: "whole", x: -18, y: -6, width: 32, height: 12, rx: 2.5 }),
    old && svg("rect", { class: "old", x: -4, y: -6, width: 18, height: 12 }),
    end !== undefined && svg("g", { transform: "translate(14 0)" }, glyph(end)),
  );
  return svg("svg", { viewBox: "-20 -10 44 20", class: "icon wide", "aria-hidden": "true" }, bar);
}

function line(standing: string): SVGElement {
  return svg("svg", { viewBox: "-20 -10 44 20", class: "icon wide", "aria-hidden": "true" }, svg("line", { class: `standing ${standing}`, x1: -18, x2: 22 }));
}
