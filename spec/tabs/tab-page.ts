/** The page of the tabs in `tabs.spec.ts`: polls the server through inOneTab(), and records what happens. */
import { defer, finalize, repeat } from "rxjs";
import { fromFetch } from "rxjs/fetch";
import { inOneTab } from "matrix-device-tracker/tabs";
import type { TabReport } from "./tab-report.js";

const id = new URLSearchParams(location.search).get("tab") ?? "";
const report: TabReport = { seen: [], subscriptions: [], sent: [], failed: undefined, restored: false };
addEventListener("pageshow", ({ persisted }) => (report.restored ||= persisted));

// A channel that listens would keep the page out of the back/forward cache.
const post = Object.getOwnPropertyDescriptor(BroadcastChannel.prototype, "postMessage")?.value as (m: unknown) => void;
BroadcastChannel.prototype.postMessage = function (this: BroadcastChannel, message: unknown) {
  report.sent.push(message);
  post.call(this, message);
};

const poll$ = fromFetch(`/poll?tab=${id}`, {
  selector: async (response) => {
    const body = (await response.json()) as { number: number; errcode?: string };
    if (!response.ok) throw Object.assign(new Error("refused by the server"), { errcode: body.errcode });
    return body.number;
  },
});
const numbers$ = defer(() => {
  const subscription: TabReport["subscriptions"][number] = { from: Date.now(), to: undefined };
  report.subscriptions.push(subscription);
  return poll$.pipe(
    repeat(),
    finalize(() => (subscription.to = Date.now())),
  );
});

const subscription = numbers$.pipe(inOneTab("numbers")).subscribe({
  next: (number) => report.seen.push(number),
  error: (error: unknown) => {
    const { message, errcode } = error as Error & { errcode?: string };
    report.failed = { message, errcode };
  },
});

Object.assign(globalThis, { report, unsubscribe: () => subscription.unsubscribe() });
