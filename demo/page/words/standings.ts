import type { Standing } from "../events/standing.js";

/** What cards and lanes say of a list, and what that means. */
export const STANDINGS: Readonly<Record<Standing, { readonly word: string; readonly meaning: string }>> = {
  current: { word: "current", meaning: "As new as every announced change, and cached." },
  superseded: { word: "superseded", meaning: "A change arrived while the query was in flight: look up again." },
  outdated: { word: "outdated", meaning: "A change has been announced: the next lookup queries the server." },
  untracked: {
    word: "untracked",
    meaning: "The server does not announce changes of this user, so each lookup queries it.",
  },
  unreachable: {
    word: "unreachable",
    meaning: "The user’s server did not answer. This is the last list that it returned.",
  },
  unknown: { word: "not looked up", meaning: "There is no result for this user yet." },
};
