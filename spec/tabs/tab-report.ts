/** What happened in a tab, as its page records it. */
export interface TabReport {
  /** The numbers that the subscriber was given. */
  readonly seen: number[];
  /** Every subscription to the source, in ms since 1970. */
  readonly subscriptions: { readonly from: number; to: number | undefined }[];
  /** The messages that were sent to other tabs. */
  readonly sent: unknown[];
  failed: unknown;
  /** Whether the page came back from the back/forward cache. */
  restored: boolean;
}
