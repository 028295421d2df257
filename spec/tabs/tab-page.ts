/** The page of the tabs in `tabs.spec.ts`: shares a source of numbers that the server counts, and remembers all that it saw. */
import { defer, expand, map, skip, type Observable } from "rxjs";
import { fromFetch } from "rxjs/fetch";
import { shareAcrossTabs } from "matrix-device-tracker/tabs";
import type { CountedNumber, TabReport } from "./tab-report.js";

const id = new URLSearchParams(location.search).get("tab") ?? "";
const report: TabReport = {
  seen: [],
  whileFrozen: 0,
  deposed: 0,
  failed: undefined,
  completed: false,
  restored: false,
};
let frozen = false;
document.addEventListener("freeze", () => (frozen = true));
document.addEventListener("resume", () => (frozen = false));
new BroadcastChannel("matrix-device-tracker/tabs/numbers").addEventListener("message", ({ data }) => {
  if ((data as { type: string }).type === "deposing") report.deposed++;
});
addEventListener("pageshow", ({ persisted }) => (report.restored ||= persisted));

const get = (path: string): Observable<CountedNumber> =>
  fromFetch(`${path}&tab=${id}`, {
    selector: async (response) => {
      const body = (await response.json()) as CountedNumber & { errcode?: string };
      if (!response.ok)
        throw Object.assign(new Error("refused by the server"), {
          name: "Refusal",
          errcode: body.errcode,
          status: response.status,
          request: { token: "secret" },
        });
      return body;
    },
  });

/** As syncResponses() does: starts from the saved position, then asks for one number after another. */
const numbers$ = defer(() => get("/saved?")).pipe(
  map(({ number }) => ({ number, since: number })),
  expand(({ number }) => get(`/poll?since=${number}`)),
  skip(1),
);

const subscription = numbers$.pipe(shareAcrossTabs("numbers")).subscribe({
  next: ({ number }) => {
    report.seen.push(number);
    if (frozen) report.whileFrozen++;
    // As a tracker does, in every tab: saves the position once it has been given what leads there.
    fetch(`/saved?number=${number}`, { method: "POST", keepalive: true }).catch(() => undefined);
  },
  error: (error: unknown) => {
    const { name, message, errcode, status, request } = error as Record<string, unknown>;
    report.failed = { name, message, errcode, status, request: request !== undefined };
  },
  complete: () => (report.completed = true),
});

Object.assign(globalThis, { report, unsubscribe: () => subscription.unsubscribe() });
