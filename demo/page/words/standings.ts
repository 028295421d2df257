/** What a freshness means, in a few words: the tooltips of the cards and the legend. */
export const STANDINGS = {
  current: "as new as every announced change; cached",
  superseded: "a change arrived while the query was in flight; not cached",
  outdated: "a change has been announced; the next lookup queries again",
  untracked: "the server does not announce changes of this user; each lookup queries",
  unreachable: "the user’s server did not answer; this is the last list we had",
  unknown: "not looked up yet",
} as const;
