import { NEVER, Subscription } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncFailure } from "../../src/model/problems.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { DeviceTracker } from "../../src/device-tracker.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { ALICE } from "../support/users.js";

const FAILURE: SyncFailure = { error: new Error("no connection"), retryIn: 2_000, message: "attempt 1 failed" };

function trackerWith(m: Marbles, syncFailures$: KeysApi["syncFailures$"]) {
  const keysApi: KeysApi = { query: () => NEVER, changes: () => NEVER, ...(syncFailures$ && { syncFailures$ }) };
  return new DeviceTracker({ userId: ALICE, sync$: NEVER, keysApi, scheduler: m.scheduler });
}

describe("a failed attempt of the sync loop", () => {
  it(
    "is reported, whether anything else subscribes or not",
    marbles((m) => {
      const tracker = trackerWith(m, m.hot("--x", { x: FAILURE }));
      tracker.connect();
      m.expectObservable(tracker.problems$).toBe("--p", { p: { type: "sync-failed", ...FAILURE } });
    }),
  );

  it(
    "is reported while the tracker is connected",
    marbles((m) => {
      const failures$ = m.hot("x-x-x-x", { x: FAILURE });
      const tracker = trackerWith(m, failures$);
      let connection = Subscription.EMPTY;
      m.acts("-c---u", { c: () => void (connection = tracker.connect()), u: () => connection.unsubscribe() });
      m.expectSubscriptions(failures$.subscriptions).toBe("-^---!");
    }),
  );
});

describe("a keys API that does not know of sync failures", () => {
  it(
    "is fine",
    marbles((m) => {
      expect(() => trackerWith(m, undefined).connect()).not.toThrow();
    }),
  );
});
