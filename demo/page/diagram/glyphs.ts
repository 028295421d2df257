import { svg } from "../dom/element.js";

/** Each sign has a shape of its own, so that nothing depends on colour alone. */
export type Glyph =
  | "current"
  | "superseded"
  | "outdated"
  | "untracked"
  | "unreachable"
  | "unknown"
  | "failed"
  | "aborted"
  | "hit"
  | "announced";

/** The sign for a state, centred at 0/0, about 13 px wide. */
export function glyph(kind: Glyph): SVGGElement {
  const shape = (() => {
    switch (kind) {
      case "current":
        return [svg("circle", { r: 6, class: "solid" })];
      case "superseded":
        return [svg("path", { d: "M0-7.5 7.5 0 0 7.5-7.5 0Z", class: "hollow" })];
      case "outdated":
        return [
          svg("circle", { r: 5.5, class: "hollow" }),
          svg("path", { d: "M0-5.5A5.5 5.5 0 0 1 0 5.5Z", class: "solid" }),
        ];
      case "untracked":
        return [svg("circle", { r: 5.5, class: "hollow" })];
      case "unreachable":
        return [
          svg("circle", { r: 6.5, class: "hollow" }),
          svg("path", { d: "M-2.8-2.8 2.8 2.8M2.8-2.8-2.8 2.8", class: "stroke" }),
        ];
      case "failed":
        return [svg("path", { d: "M-5-5 5 5M5-5-5 5", class: "stroke" })];
      case "aborted":
        return [svg("path", { d: "M3-9-3 9", class: "stroke" })];
      case "hit":
        return [svg("path", { d: "M-5-1-1.5 3.5 5.5-5", class: "stroke" })];
      case "announced":
        return [svg("path", { d: "M-4.5-7h9L0 0Z", class: "solid" })];
      case "unknown":
        return [svg("circle", { r: 2, class: "solid" })];
    }
  })();
  return svg("g", { class: `glyph ${kind}` }, ...shape);
}

/** The sign as a small icon, for text beside it. */
export function glyphIcon(kind: Glyph): SVGSVGElement {
  return svg("svg", { viewBox: "-9 -9 18 18", class: "icon", "aria-hidden": "true" }, glyph(kind));
}
