import { NEVER, of, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreOwnerError, TrackerClosedError } from "../../src/model/errors.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { OWNER } from "../../src/store/records.js";
import { complete } from "../../src/tracker/options.js";
import { Session } from "../../src/tracker/session.js";
import { OWNED_BY_ALICE, storeOfAlice } from "../store/in-store.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put } from "../support/saved.js";
import { ALICE, BOB } from "../support/users.js";

/** A session whose store reads the owner's record as given. */
function sessionIn(m: Marbles, owner$: Observable<readonly unknown[]>, store: DeviceStore = storeOfAlice()) {
  const reading: DeviceStore = { ...store, read: () => owner$ };
  const session = new Session(
    complete({ userId: ALICE, sync$: NEVER, keysApi: keysApiOf([]), store: reading, scheduler: m.scheduler }),
  );
  return { session, loaded$: session.onceLoaded(({ chain }) => of(chain.clone.ownUserId)) };
}

const ownerAt = (m: Marbles, timing: string) => m.cold<readonly unknown[]>(timing, { o: [OWNED_BY_ALICE] });

describe("loading the account", () => {
  it(
    "happens once for all callers that wait, and for those that come later",
    marbles((m) => {
      const owner$ = ownerAt(m, "         ---(o|)");
      const { loaded$ } = sessionIn(m, owner$);
      m.expectObservable(loaded$, "       ^-------").toBe("---(a|)", { a: ALICE });
      m.expectObservable(loaded$, "       -^------").toBe("---(a|)", { a: ALICE });
      m.expectObservable(loaded$, "       -----^--").toBe("-----(a|)", { a: ALICE });
      m.expectSubscriptions(owner$.subscriptions).toBe("^--!");
    }),
  );

  it(
    "begins with the first use",
    marbles((m) => {
      const owner$ = ownerAt(m, "---(o|)");
      sessionIn(m, owner$);
      m.expectSubscriptions(owner$.subscriptions).toBe([]);
    }),
  );

  it(
    "is aborted when the last caller unsubscribes, and begins again with the next",
    marbles((m) => {
      const owner$ = ownerAt(m, "         ---(o|)");
      const { loaded$ } = sessionIn(m, owner$);
      m.expectObservable(loaded$, "       ^-!-----").toBe("-");
      m.expectObservable(loaded$, "       -^!-----").toBe("-");
      m.expectObservable(loaded$, "       ----^---").toBe("-------(a|)", { a: ALICE });
      m.expectSubscriptions(owner$.subscriptions).toBe(["^-!", "----^--!"]);
    }),
  );

  it(
    "is not aborted by a caller that unsubscribes from inside its emission",
    marbles((m) => {
      const owner$ = ownerAt(m, "---(o|)");
      const { session } = sessionIn(m, owner$);
      const first = session.onceLoaded((account) => of(account)).subscribe(() => first.unsubscribe());
      m.expectObservable(
        session.onceLoaded(() => of("loaded")),
        "-----^",
      ).toBe("-----(l|)", { l: "loaded" });
      m.expectSubscriptions(owner$.subscriptions).toBe("^--!");
    }),
  );

  it(
    "fails for another account's store, and is tried again by the next caller",
    marbles((m) => {
      const records = memoryStore();
      put(records, [OWNER, { ...OWNED_BY_ALICE, userId: BOB }]);
      const theirs = m.cold<readonly unknown[]>("--(o|)", { o: [{ ...OWNED_BY_ALICE, userId: BOB }] });
      const { loaded$ } = sessionIn(m, theirs, records);
      m.expectObservable(loaded$, "    ^-----").toBe("--#", undefined, new StoreOwnerError(BOB, ALICE));
      m.expectObservable(loaded$, "    ---^--").toBe("-----#", undefined, new StoreOwnerError(BOB, ALICE));
      m.expectSubscriptions(theirs.subscriptions).toBe(["^-!", "---^-!"]);
    }),
  );

  it(
    "ends with the session: waiting callers fail",
    marbles((m) => {
      const owner$ = ownerAt(m, "---(o|)");
      const { session, loaded$ } = sessionIn(m, owner$);
      m.acts("-c", { c: () => session.close() });
      m.expectObservable(loaded$).toBe("-#", undefined, new TrackerClosedError());
      m.expectObservable(loaded$, "--^").toBe("--#", undefined, new TrackerClosedError());
      m.expectSubscriptions(owner$.subscriptions).toBe("^!");
      m.afterwards(() => {
        expect(session.isConnected).toBe(false);
      });
    }),
  );
});
