import type { Observable } from "rxjs";
import type { SyncResponse } from "../../src/model/wire.js";
import type { ExtendedTracker, SyncExtension } from "../../src/sync/sync-extension.js";
import type { Server } from "./server.js";

/** All positions of the server's log after `from`, up to `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

type LedgerEvent =
  /** What a response covers. */
  | { readonly type: "read"; readonly stretch: Stretch }
  /** What memory has read that stood in for the store. */
  | { readonly type: "summary"; readonly stretch: Stretch }
  /** What does not come from a response. */
  | { readonly type: "note"; readonly note: number };

interface LedgerRecord {
  readonly read: Stretch | "unknown";
  readonly notes: readonly number[];
}

/**
 * The extension of every tracker. It reads which stretch of the server's log a response covers, and stands for all
 * extensions that fold changes: its events have to be applied in order, each one beginning where it stands or before.
 *
 * A summary may be applied again after steps of other tabs, as any event that is not of a response: it counts only if
 * the ledger stands where it ends. If the step before it comes to nothing then, that tab has a summary which does not
 * go with what comes next, and notices it by itself.
 */
export class Ledger implements SyncExtension<LedgerEvent> {
  readonly name = "ledger";
  /** What it has read without interruption; `undefined` if it has missed what came last. */
  known: Stretch | undefined = { from: 0, to: 0 };
  readonly notes = new Set<number>();
  /** What it has missed without notice. */
  hole: string | undefined;
  /** The position of the last response that was read or missed. */
  #standsOn = 0;
  #hasSummary = false;
  readonly #server: Server;
  readonly #given = new WeakMap<SyncResponse, Stretch>();
  #tracker: ExtendedTracker<LedgerEvent> | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  /** The token that memory stands on. */
  get token(): string | undefined {
    return this.#tracker?.token;
  }

  /** The tracker is about to be given a response. */
  give(response: SyncResponse, stretch: Stretch): void {
    this.#given.set(response, stretch);
  }

  note(note: number): Observable<never> {
    return this.#tracker!.commit({ type: "note", note });
  }

  attach(tracker: ExtendedTracker<LedgerEvent>): void {
    this.#tracker = tracker;
  }

  restore(records: readonly unknown[] | undefined): void {
    const [record = { read: { from: 0, to: 0 }, notes: [] }] = (records ?? [UNKNOWN]) as readonly LedgerRecord[];
    this.known = record.read === "unknown" ? undefined : record.read;
    this.#standsOn = this.known?.to ?? -1;
    this.#hasSummary = false;
    this.notes.clear();
    for (const note of record.notes) this.notes.add(note);
  }

  read(response: SyncResponse): readonly LedgerEvent[] {
    const stretch = this.#given.get(response);
    if (stretch === undefined || response.since === response.next_batch) return [];
    // A response that does not say what it answers follows the one before it: the tracker cannot know better.
    const from = response.since === undefined ? Math.min(stretch.from, this.known?.to ?? stretch.from) : stretch.from;
    return [{ type: "read", stretch: { ...stretch, from } }];
  }

  apply(event: LedgerEvent): undefined {
    if (event.type === "note") this.notes.add(event.note);
    else if (event.type === "read") this.#goOn(event.stretch);
    else if (this.#isSame(event.stretch.to, this.#standsOn)) {
      this.#hasSummary = true;
      this.#goOn(event.stretch);
    }
  }

  missed(token: string | undefined): void {
    this.known = undefined;
    this.#standsOn = token === undefined ? -1 : this.#server.positionOf(token);
  }

  records(): readonly unknown[] {
    return [{ read: this.known ?? "unknown", notes: [...this.notes] } satisfies LedgerRecord];
  }

  summary(): readonly LedgerEvent[] {
    const { known } = this;
    const read: readonly LedgerEvent[] = known === undefined ? [] : [{ type: "summary", stretch: known }];
    return [...read, ...Array.from(this.notes, (note) => ({ type: "note" as const, note }))];
  }

  trackedUsers(): readonly never[] {
    return [];
  }

  #goOn({ from, to }: Stretch): void {
    const { known } = this;
    const isHole = known !== undefined && known.to < from && !this.#isSame(known.to, from);
    if (isHole && !this.#hasSummary) this.hole ??= `it goes on at ${from}, and stood on ${known.to}`;
    this.known = { from: known === undefined || isHole ? from : Math.min(from, known.from), to };
    this.#standsOn = to;
  }

  #isSame(one: number, other: number): boolean {
    return one === other || (one >= 0 && other >= 0 && this.#server.token(one) === this.#server.token(other));
  }
}

const UNKNOWN: LedgerRecord = { read: "unknown", notes: [] };
