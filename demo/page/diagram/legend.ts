import { element, svg } from "../dom/element.js";
import { glyph, glyphIcon, type Glyph } from "./glyphs.js";

/** Explains the signs, drawn with the shapes of the diagram. */
export function drawLegend(list: HTMLElement): void {
  list.replaceChildren(
    item(picture(svg("circle", { r: 8, class: "marble changed" })), "sync$: a user changed"),
    item(picture(svg("circle", { r: 8, class: "marble left" })), "sync$: a user left"),
    item(stream("here"), "sync$: this tab polls the server"),
    item(stream("elsewhere"), "sync$: another tab polls it"),
    item(wide("", undefined), "a query, from request to answer"),
    item(wide("superseded", "superseded", true), "superseded: a change in between"),
    item(wide("current", "current"), "current: cached"),
    item(wide("untracked", "untracked"), "untracked: not cached"),
    item(wide("unreachable", "unreachable"), "unreachable: server is down"),
    item(wide("aborted", "aborted"), "aborted: no caller is waiting"),
    item(wide("failed", "failed"), "failed: the request went wrong"),
    item(glyphIcon("hit"), "from the cache, without a request"),
    item(line("current"), "our list is current"),
    item(line("outdated"), "outdated: a change is announced"),
    item(line("unreachable"), "unreachable: the last known list"),
    item(line("untracked"), "untracked: no announcements"),
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

function stream(by: string): SVGElement {
  return svg(
    "svg",
    { viewBox: "-20 -10 44 20", class: "icon wide", "aria-hidden": "true" },
    svg("line", { class: `stream ${by}`, x1: -18, x2: 22 }),
  );
}

function line(standing: string): SVGElement {
  return svg(
    "svg",
    { viewBox: "-20 -10 44 20", class: "icon wide", "aria-hidden": "true" },
    svg("line", { class: `standing ${standing}`, x1: -18, x2: 22 }),
  );
}
