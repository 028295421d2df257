/** The longest task of the page from now on: browsers report those over 50 ms. 0 if there was none. */
export function longestTask(): { readonly ms: () => number; readonly stop: () => void } {
  let longest = 0;
  const take = (entries: readonly PerformanceEntry[]) => {
    for (const { duration } of entries) longest = Math.max(longest, Math.round(duration));
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  if (PerformanceObserver.supportedEntryTypes.includes("longtask")) observer.observe({ type: "longtask" });
  return {
    ms: () => {
      take(observer.takeRecords());
      return longest;
    },
    stop: () => observer.disconnect(),
  };
}
