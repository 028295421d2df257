import { Subscription, VirtualTimeScheduler, type Observable } from "rxjs";
import { Chain } from "../../src/store/chain.js";
import type { Change, Commit } from "../../src/store/change.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import type { ChainExtensions } from "../../src/store/extension-records.js";
import { readAccount, type SavedAccount } from "../../src/store/load.js";
import type { Outcome } from "../../src/store/rebase.js";
import { effectsSince, type Before } from "../../src/store/tracked-users.js";
import type { Write } from "../../src/store/write-buffer.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import type { Marbles } from "../support/marbles.js";
import { localpart } from "../support/summary.js";
import { OWNED_BY_ALICE, storeOfAlice } from "./in-store.js";
import { usersOf } from "./steps.js";
import { WITHOUT_EXTENSIONS } from "./without-extensions.js";

export interface ChainUnderTest {
  readonly chain: Chain;
  readonly store: ScriptedStore;
  readonly scheduler: CountingScheduler;
  /** What the chain reported, in order. */
  readonly events: string[];
  readonly users: () => readonly string[];
  /** Applies changes, and returns the outcome of the last. */
  readonly apply: (...changes: readonly Change[]) => Observable<Outcome>;
  /** Writes a record of this name, in a transaction of saves. */
  readonly save: (name: string) => Observable<string>;
}

/**
 * Alice's records, which several chains may share, and what her chains have written to their log.
 * @param account what the records hold
 */
export function chainIn(
  m: Marbles,
  records: DeviceStore = storeOfAlice(),
  name = "tab",
  account: SavedAccount = load(records),
  extensions: ChainExtensions = WITHOUT_EXTENSIONS,
): ChainUnderTest {
  const store = new ScriptedStore({ scheduler: m.scheduler, records });
  const scheduler = new CountingScheduler(m.scheduler);
  const events: string[] = [];
  const named = (before: Before) => {
    const { invalidated, left } = effectsSince(before, chain.clone);
    return [...invalidated.map(localpart), ...left.map((userId) => `-${localpart(userId)}`)].join(" ");
  };
  const numbers = (commits: readonly Commit[] | undefined) => commits?.map(({ number }) => number).join(" ") ?? "all";
  const chain: Chain = new Chain(account, { store, owner: account.owner, name, scheduler, extensions }, () => 0, {
    followed: (before, commits, isSummary) =>
      events.push(`${isSummary ? "caught up with" : "followed"} ${numbers(commits)}: ${named(before)}`.trimEnd()),
    moved: (before) => events.push(`moved: ${named(before)}`.trimEnd()),
    heard: ({ type }) => events.push(`heard ${type}`),
    reread: () => events.push("reread"),
    tracksLost: (users) => {
      if (users.length > 0) events.push(`tracks lost: ${users.join(" ")}`);
    },
    committed: () => {},
    commitFailed: (error, retryIn) => events.push(`commit failed (${String(error)}), again in ${retryIn}`),
    behind: (isBehind) => events.push(isBehind ? "behind" : "not behind"),
    unreadable: (error) => events.push(`unreadable (${String(error)})`),
    cleared: () => events.push("cleared"),
    together: (action) => {
      action();
    },
  });
  store.commits$.subscribe((announcement) => {
    chain.hear(announcement);
  });
  return {
    chain,
    store,
    scheduler,
    events,
    users: () => usersOf(chain.clone),
    apply: (...changes) => {
      const outcomes = changes.map((change) => {
        const { outcome$ } = chain.apply(change);
        chain.commitPending();
        return outcome$;
      });
      return outcomes.at(-1)!;
    },
    save: (saved) => chain.write(writing(saved)),
  };
}

/** A write of one record, `index/<name>`, whose result is its name. */
const writing = (name: string): Write<string> => ({
  keys: [["index", name]],
  prepare: () => (records) => {
    records.set(["index", name], name);
    return { result: name };
  },
});

/** What Alice's records hold. */
export function load(records: DeviceStore): SavedAccount {
  const loaded: SavedAccount[] = [];
  const subscription: Subscription = readAccount(records, OWNED_BY_ALICE, new VirtualTimeScheduler()).subscribe(
    (account) => loaded.push(account),
  );
  subscription.unsubscribe();
  return loaded[0]!;
}
