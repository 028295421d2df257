import type { Observable } from "rxjs";
import { StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { News } from "./announcement.js";
import type { ChainParts } from "./chain-parts.js";
import { isFailedGap, type Commit } from "./change.js";
import { canFollow, doubt, follow, followSave, type Clone, type SavedLists } from "./clone.js";
import { concernsExtensions } from "./extension-records.js";
import { readMissing, type Missing } from "./read-missing.js";
import { rebase, type Rebased } from "./rebase.js";
import { Reloads } from "./reloads.js";
import { Retry } from "./retry.js";

export interface ReaderEvents {
  /** A retry is due. */
  readonly again: () => void;
  /** Pending changes were rebased; these must no longer be committed. */
  readonly rebased: (dropped: Rebased["dropped"]) => void;
  readonly failed: (error: unknown) => void;
  readonly cleared: () => void;
}

/**
 * Follows what other trackers commit and save as they announce it, and reads it if an announcement may have been lost.
 */
export class ChainReader {
  readonly #parts: ChainParts;
  readonly #events: ReaderEvents;
  readonly #retry: Retry;
  readonly #reloads = new Reloads();
  /** News that wait for the operation in progress. */
  readonly #news: News[] = [];
  #isBehind = false;

  constructor(parts: ChainParts, events: ReaderEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#retry = new Retry(parts.scheduler, events.again);
  }

  get error(): unknown {
    return this.#retry.error;
  }

  /** True if the store is known, or suspected, to be ahead of memory. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Queues what another tracker announced; `undefined` means that announcements may have been lost. */
  hear(value: unknown): void {
    if (value === undefined) this.catchUp();
    else this.#news.push(...this.#parts.announcer.newsIn(value));
  }

  reload(): Observable<void> {
    const done$ = this.#reloads.add();
    this.catchUp();
    return done$;
  }

  catchUp(): void {
    this.#setBehind(true);
  }

  /**
   * Follows news while an operation is in progress: nothing may be called current after its change was announced. If
   * another commit is announced during one of ours, the store has either refused ours or put it first; only the store
   * knows which.
   */
  followAtOnce(): void {
    const { clone } = this.#parts;
    while (!this.#isBehind && clone.pending.length === 0) {
      const news = this.#news.shift();
      if (news === undefined) return;
      this.#follow(news);
    }
    if (this.#news.some((news) => unknownCommits(news, clone).length > 0)) this.catchUp();
  }

  /** Follows news, or begins to read missing commits. Returns false if there is nothing to do now. */
  next(): boolean {
    const news = this.#news.shift();
    if (news !== undefined) this.#follow(news);
    else if (this.#isBehind && !this.#retry.isWaiting) this.#readMissing();
    else return false;
    return true;
  }

  end(error: Error): void {
    this.#retry.end();
    this.#news.length = 0;
    this.#reloads.failAll(error);
  }

  #follow(news: News): void {
    const { clone, events } = this.#parts;
    if (news.type === "commits") {
      this.#followCommits(news);
      return;
    }
    if (news.type === "saved") followSave(clone, news.lists);
    events.together(() => {
      if (news.type !== "pending") events.heard(news);
      else events.moved(doubt(clone, news.userIds === "everyone" ? [...clone.users.keys()] : news.userIds));
    });
  }

  #followCommits(news: Extract<News, { type: "commits" }>): void {
    const { commits, position } = news;
    const { clone, extensions, events } = this.#parts;
    const unknown = unknownCommits(news, clone);
    if (unknown.length === 0 || this.#isBehind) return; // known, or about to be read
    if (canFollow(clone, commits)) {
      events.together(() => {
        const before = follow(clone, commits, position);
        extensions.follow(unknown);
        events.followed(before, unknown, false);
      });
    } else this.#setBehind(true);
  }

  #readMissing(): void {
    const { store, owner, clone, slot, scheduler } = this.#parts;
    this.#reloads.begin();
    slot.run(readMissing(store, owner, clone, scheduler, this.#mustUndo), {
      next: (missing) => {
        this.#retry.succeeded();
        // In the meantime, a change was applied that extensions cannot undo, so read again.
        if (missing.type === "tail" && missing.extensions === undefined && this.#mustUndo) return;
        this.#parts.events.together(() => {
          this.#rebase(missing);
          this.#caughtUp();
          this.#reloads.succeed();
        });
      },
      error: (error) => {
        if (error instanceof StoreClearedError) {
          this.#events.cleared();
          return;
        }
        this.#retry.failed(error);
        this.#events.failed(error);
        this.#reloads.fail(error);
        this.#parts.events.unreadable(error);
      },
    });
  }

  /**
   * Memory is no longer behind, unless more was announced during the read. Nothing is called current before that is
   * checked.
   */
  #caughtUp(): void {
    this.#isBehind = false;
    this.followAtOnce();
    this.#isBehind ||= this.#reloads.areWaiting;
    if (!this.#isBehind) this.#parts.events.behind(false);
  }

  #rebase(missing: Missing): void {
    const { clone, extensions, events, name } = this.#parts;
    const { before, dropped, commits } = rebase(clone, missing, name, extensions);
    if (missing.type === "everything") events.reread(missing.account);
    if (missing.type === "everything" || commits.some(isFailedGap)) events.tracksLost(lostTracks(dropped, clone));
    events.followed(before, commits, true);
    const lists = savedElsewhere(missing, name);
    if (lists.length > 0) events.heard({ type: "saved", lists, updates: [] });
    this.#events.rebased(dropped);
  }

  /** True if a rebase must undo what extensions have applied. */
  get #mustUndo(): boolean {
    const { clone, extensions } = this.#parts;
    return !extensions.areNone && clone.pending.some(({ given }) => concernsExtensions(given));
  }

  #setBehind(isBehind: boolean): void {
    if (this.#isBehind === isBehind) return;
    this.#isBehind = isBehind;
    this.#parts.events.behind(isBehind);
  }
}

const unknownCommits = (news: News, { head }: Clone): readonly Commit[] =>
  news.type === "commits" ? news.commits.filter(({ number }) => number > head) : [];

/** Returns users that a dropped `track()` leaves untracked. */
function lostTracks(dropped: Rebased["dropped"], { users }: Clone): readonly UserId[] {
  const named = dropped.flatMap(({ pending: { change } }) => (change.type === "track" ? change.users : []));
  return named.filter((userId) => !users.has(userId));
}

/** Returns lists that other trackers saved, or may have saved: those in memory may be older at the same revision. */
function savedElsewhere(missing: Missing, name: string): SavedLists {
  return missing.type === "tail"
    ? missing.records.flatMap((record) => (record.type === "save" && record.by !== name ? [...record.lists] : []))
    : Array.from(missing.account.state.users).flatMap(
        // An outdated user's list may be in memory only.
        ([userId, { revision, outdated }]) => (outdated ? [] : [[userId, revision.number] as const]),
      );
}
