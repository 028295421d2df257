import type { Observable } from "rxjs";
import type { ChainParts } from "./chain-parts.js";
import type { Commit } from "./change.js";
import { readSync, SYNC, type SyncRecord } from "./records.js";
import { writeSnapshot, type Compact } from "./snapshot.js";
import { transact, type Cleared } from "./transact.js";
import { commit, type Base, type CommitOutcome } from "./transactions.js";
import type { Write } from "./write-buffer.js";

/** A transaction's result, and the head after it. */
export interface Done<T> {
  readonly result: T;
  readonly sync: SyncRecord | undefined;
}

/** Commits changes together with their edits, and announces them. */
export function commitAll(
  { store, owner, name, clone, announcer }: ChainParts,
  commits: readonly Commit[],
): Observable<Done<CommitOutcome> | Cleared> {
  const base = baseOf(clone);
  const edits = commits.flatMap(({ number }, i) => {
    const edit = clone.pending[i]?.edit;
    return edit === undefined ? [] : [{ number, edit }];
  });
  const keys = edits.flatMap(({ edit }) => [...edit.keys]);
  return transact(store, owner, keys, (records) => {
    const outcome = commit(records, base, commits, name);
    const result = { result: outcome, sync: readSync(records.get(SYNC)) };
    if ("movedTo" in outcome) return { result };
    for (const { number, edit } of edits) edit.apply(records, number);
    const announce = announcer.announcementOf([{ type: "commits", position: outcome.committedAt, commits }]);
    return { result, announce };
  });
}

/** Runs all writes in one transaction and announces their news. Results are in the same order. */
export function writeAll(
  { store, owner, name, clone, announcer, pace }: ChainParts,
  writes: readonly Write<unknown>[],
): Observable<Done<readonly unknown[]> | Cleared> {
  const base = { ...baseOf(clone), by: name };
  const keys = writes.flatMap((write) => [...write.keys]);
  const prepared = writes.map((write) => write.prepare());
  const devices = writes.reduce((sum, write) => sum + (write.devices ?? 0), 0);
  return transact(store, owner, keys, (records) => {
    const written = pace.measure(devices, () => prepared.map((apply) => apply(records, base)));
    const news = written.flatMap(({ announce = [] }) => [...announce]);
    const result = { result: written.map((one) => one.result), sync: readSync(records.get(SYNC)) };
    return news.length === 0 ? { result } : { result, announce: announcer.announcementOf(news) };
  });
}

export function takeSnapshot(
  { store, owner, clone, extensions }: ChainParts,
  compact: Compact,
): Observable<boolean | Cleared> {
  const committed = { ...clone, users: new Map(clone.users) };
  const extended = extensions.records();
  return transact(store, owner, [], (records) => ({ result: writeSnapshot(records, committed, compact, extended) }));
}

const baseOf = ({ head, position }: Base): Base => ({ head, position });
