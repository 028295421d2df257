/** What a freshness means, in a few words: the tips of the cards and the legend. */
export const STANDINGS = {
  current: "as new as every change announced; cached",
  superseded: "a change came while the query was on its way; not cached",
  outdated: "a change was announced since; the next look-up asks",
  untracked: "the server does not tell us about changes; asked each time",
  unreachable: "the person’s server does not answer; the last list is kept apart",
  unknown: "not asked yet",
} as const;
