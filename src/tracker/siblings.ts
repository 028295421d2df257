import { Subject, Subscription, type Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { News } from "../store/announcement.js";
import type { Chain } from "../store/chain.js";
import type { Tracking } from "../sync/tracking.js";
import type { Connection } from "./connection.js";
import type { ListParts } from "./lists-of.js";
import type { Outputs } from "./outputs.js";

/** Handles what the other trackers on the store announce besides commits, and what they ask. */
export class Siblings {
  readonly #ownUserId: UserId;
  readonly #chain: Chain;
  readonly #tracking: Tracking;
  readonly #parts: Pick<ListParts, "memory" | "lists" | "unsaved">;
  readonly #outputs: Outputs;
  readonly #savedElsewhere$ = new Subject<readonly UserId[]>();
  readonly #subscriptions = new Subscription();
  #isAsked = false;
  /**
   * True if commits were read that other trackers may not have seen announced: the tab that made them may have crashed.
   */
  #mayBeUnannounced = true;

  constructor(
    ownUserId: UserId,
    chain: Chain,
    tracking: Tracking,
    parts: Pick<ListParts, "memory" | "lists" | "unsaved">,
    outputs: Outputs,
  ) {
    this.#ownUserId = ownUserId;
    this.#chain = chain;
    this.#tracking = tracking;
    this.#parts = parts;
    this.#outputs = outputs;
  }

  /**
   * Emits users with lists in memory that may be older than what is saved: another tab saved one, or the store was
   * replaced.
   */
  get savedElsewhere$(): Observable<readonly UserId[]> {
    return this.#savedElsewhere$;
  }

  /** Asks whether another tracker is caught up. */
  ask(): void {
    this.#chain.announce({ type: "ask" });
  }

  hear(news: News, connection: Connection | undefined): void {
    switch (news.type) {
      case "saved":
        for (const update of news.updates) this.#outputs.updated(update);
        this.#saved(news.lists.map(([userId]) => userId));
        break;
      case "acknowledged":
        this.edited([news.userId]);
        this.#saved([news.userId]);
        break;
      case "ask":
        this.#isAsked = true;
        if (connection?.isCaughtUp === true) this.#answer();
        break;
      case "caught-up":
        if (connection !== undefined) this.#caughtUpAt(news.head, connection);
        break;
      default:
    }
  }

  /** A person's decision changed these users' saved records: what memory has of them must not restore the old ones. */
  edited(userIds: readonly UserId[]): void {
    const { memory, unsaved } = this.#parts;
    unsaved.saved(userIds);
    memory.forget(userIds);
  }

  /** Commits were read instead of announced. */
  readCommits(): void {
    this.#mayBeUnannounced = true;
  }

  /**
   * The store was replaced.
   * @param userIds users with lists that were not compared with its pins, and for which nothing else is announced
   */
  moved(userIds: readonly UserId[]): void {
    this.readCommits();
    this.#outputs.emissions.enqueue(() => {
      this.#savedElsewhere$.next(userIds);
    });
  }

  /** A step was applied. @param isNews true if it is going to be announced */
  stepApplied(isNews: boolean): void {
    if (!isNews && this.#mayBeUnannounced) this.#answer();
    this.#mayBeUnannounced = false;
  }

  /** This tracker has caught up, for the first time in this connection or again. */
  caughtUp(connection: Connection): void {
    if (!connection.caughtUp()) return;
    this.#outputs.emissions.enqueue(() => {
      connection.emitCaughtUp();
    });
    if (this.#isAsked) this.#answer();
  }

  close(): void {
    this.#subscriptions.unsubscribe();
  }

  /** The lists in memory may now be outdated, at the same revision. */
  #saved(userIds: readonly UserId[]): void {
    const { memory, lists } = this.#parts;
    memory.forget(userIds);
    const own = this.#tracking.get(this.#ownUserId);
    if (userIds.includes(this.#ownUserId) && own?.outdated !== false) memory.setOurKey(undefined);
    else if (userIds.includes(this.#ownUserId) && own !== undefined) {
      // Our own user-signing key decides what is verified.
      const read$ = lists.read(new Map([[this.#ownUserId, own.revision]]));
      this.#subscriptions.add(read$.subscribe({ error: () => {} }));
    }
    this.#outputs.emissions.enqueue(() => {
      this.#savedElsewhere$.next(userIds);
    });
  }

  /** Another tracker is caught up as of this head: so are we, once we have followed it. */
  #caughtUpAt(head: number, connection: Connection): void {
    if (head <= this.#chain.clone.head) {
      this.caughtUp(connection);
      return;
    }
    const complete = () => {
      this.caughtUp(connection);
    };
    this.#subscriptions.add(this.#chain.reload().subscribe({ complete, error: () => {} }));
  }

  #answer(): void {
    this.#isAsked = false;
    // The other tracker is caught up with what is durable, and knows what is not.
    const complete = () => {
      this.#chain.announce({ type: "caught-up", head: this.#chain.clone.head });
    };
    this.#subscriptions.add(this.#chain.announced().subscribe({ complete, error: () => {} }));
  }
}
