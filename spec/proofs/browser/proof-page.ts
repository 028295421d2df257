/** The page of the proofs: a driven tracker in a tab of a browser. */
import { idbStore } from "matrix-device-tracker/idb";
import { inOneTab } from "matrix-device-tracker/tabs";
import { drivenTracker } from "./driven-tracker.js";
import { observeTransactions } from "./open-transactions.js";
import type { NumberedEvent, PageEvent } from "./page-events.js";

const { tab = "", user = "", shared = "" } = Object.fromEntries(new URLSearchParams(location.search));
/** Events that are reported again when the page wakes up. */
const REPORTED_AGAIN = 100;

/** Added by the driver before the page was loaded: it receives the text within this call. */
const { report: send } = globalThis as unknown as { report: (text: string) => void };
const recent: NumberedEvent[] = [];
let reports = Date.now() * 1_000; // greater after a reload

const report = (event: PageEvent) => {
  const numbered: NumberedEvent = [++reports, event];
  recent.push(numbered);
  if (recent.length > REPORTED_AGAIN) recent.shift();
  send(JSON.stringify([tab, numbered]));
};
const reportError = (error: unknown) => report({ type: "error", message: String(error) });

report({ type: "started" });
addEventListener("error", ({ message }) => reportError(message));
addEventListener("unhandledrejection", ({ reason }) => reportError(reason));
// Before any other listener: what is reported until it wakes up happens while the page sleeps.
const early = { capture: true };
document.addEventListener("freeze", () => report({ type: "asleep" }), early);
document.addEventListener("resume", wokeUp, early);
addEventListener("pagehide", () => report({ type: "asleep" }), early);
addEventListener("pageshow", ({ persisted }) => (persisted ? wokeUp() : undefined), early);
function wokeUp(): void {
  for (const numbered of recent) send(JSON.stringify([tab, numbered]));
  report({ type: "awake" });
}
observeTransactions((open) => report({ type: "transactions", open }));

Object.assign(globalThis, {
  proof: drivenTracker({
    homeserverUrl: `${location.origin}/${tab}`,
    userId: user,
    store: idbStore(`devices/${user}`),
    ...(shared !== "" && { share: inOneTab(shared) }),
    report,
  }),
});
