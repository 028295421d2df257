import { readFileSync } from "node:fs";

const DOCS = new URL("../../docs/differences.md", import.meta.url);
/** The section about rooms; all others are about responses of `/keys/query`. */
const ROOMS = "Which devices get a message";

/** The classes that `docs/differences.md` has, sorted. */
export function documentedClasses(about: "responses" | "rooms"): readonly string[] {
  const sections = readFileSync(DOCS, "utf8").split(/^## /mu);
  return sections
    .filter((section) => section.startsWith(`${ROOMS}\n`) === (about === "rooms"))
    .flatMap((section) => Array.from(section.matchAll(/^\| `([a-z0-9-]+)` +\|/gmu), ([, name = ""]) => name))
    .sort();
}
