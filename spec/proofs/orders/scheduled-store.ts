import { Observable } from "rxjs";
import type { UserId } from "../../../src/model/ids.js";
import type { DeviceStore, RecordKey, Update } from "../../../src/store/device-store.js";
import { USERS } from "../../properties/commands.js";
import type { Page } from "../../properties/page.js";
import type { WatchedRecords } from "../../properties/watched-records.js";

/** One operation of a store, from its beginning to its answer. */
export interface Operation {
  readonly kind: "read" | "commit" | "save" | "other update";
  /** Whose states it is about. */
  readonly users: ReadonlySet<UserId>;
  /** Whether it is done, and its answer on its way. */
  effective: boolean;
}

export interface StoreEvents {
  readonly effective: (operation: Operation) => void;
  readonly answered: (operation: Operation) => void;
  /** The newest position that was ever saved as the token. */
  readonly committedTo: () => number;
}

/** What is read when a page begins, and when steps were missed. */
const EVERYTHING = "everything";

/**
 * A page's store, each of whose operations takes effect in one task and is answered in a later one.
 *
 * The updates of a page take effect in the order in which they were begun, as IndexedDB's transactions do where they overlap; those of other pages come in between. A read
 * sees one moment between its beginning and its answer.
 */
export class ScheduledStore implements DeviceStore {
  readonly syncToken$: Observable<string | undefined>;
  /** Begun and not answered. */
  readonly underWay = new Set<Operation>();
  /** Up to where the page can have learned what was announced, but for what it was told: what any tab had committed when an operation took effect that is answered by now. */
  learnedTo = 0;
  readonly #page: Page;
  readonly #name: string;
  readonly #records: WatchedRecords;
  readonly #add: (label: string, task: () => void) => void;
  readonly #events: StoreEvents;
  readonly #updates: (() => void)[] = [];
  readonly #learned = new Map<UserId, number>();
  #revisions: ReadonlyMap<UserId, number> = new Map();

  constructor(
    page: Page,
    name: string,
    records: WatchedRecords,
    add: (label: string, task: () => void) => void,
    events: StoreEvents,
  ) {
    this.#page = page;
    this.#name = name;
    this.#records = records;
    this.#add = add;
    this.#events = events;
    this.syncToken$ = this.#read("the token", [], records.syncToken$);
  }

  /** How often the page has found another revision of the user in the store than before. */
  learned(user: UserId): number {
    return this.#learned.get(user) ?? 0;
  }

  /** Missing steps are known now: steps that were given meanwhile are applied, of whoever they are. */
  closesGap(): void {
    this.#learn(USERS);
  }

  read(keys: readonly RecordKey[]): Observable<readonly unknown[]> {
    return this.#read("records", keys, this.#records.read(keys));
  }

  readKinds(kinds: readonly string[]): Observable<readonly ReadonlyMap<string, unknown>[]> {
    return this.#read(EVERYTHING, [], this.#records.readKinds(kinds));
  }

  clear(): Observable<void> {
    return this.#update("other update", [], this.#records.clear());
  }

  update<T>(keys: readonly RecordKey[], change: (saved: readonly unknown[]) => Update<T>): Observable<T> {
    const has = (wanted: string) => keys.some(([kind, id]) => kind === wanted || id === wanted);
    return this.#update(
      has("sync") ? "commit" : has("state") ? "save" : "other update",
      keys,
      this.#records.update(keys, change),
    );
  }

  #read<T>(what: string, keys: readonly RecordKey[], effect$: Observable<T>): Observable<T> {
    return this.#operation({ kind: "read", what: `the read of ${what}`, keys, effect$ }, (effect) => effect);
  }

  #update<T>(kind: Operation["kind"], keys: readonly RecordKey[], effect$: Observable<T>): Observable<T> {
    return this.#operation({ kind, what: `the ${kind}`, keys, effect$ }, (effect) => {
      this.#updates.push(effect);
      return () => this.#updates.shift()?.();
    });
  }

  #operation<T>(
    {
      kind,
      what,
      keys,
      effect$,
    }: {
      readonly kind: Operation["kind"];
      readonly what: string;
      readonly keys: readonly RecordKey[];
      readonly effect$: Observable<T>;
    },
    inTurn: (effect: () => void) => () => void,
  ): Observable<T> {
    return new Observable((subscriber) => {
      const operation: Operation = {
        kind,
        users: new Set(keys.flatMap(([of, id]) => (of === "state" ? [id] : []))),
        effective: false,
      };
      this.underWay.add(operation);
      const effect = () => {
        if (this.#page.gone) return;
        let tell = () => subscriber.complete();
        operation.effective = true;
        effect$.subscribe({
          next: (value) => {
            tell = () => {
              subscriber.next(value);
              subscriber.complete();
            };
          },
          error: (error: unknown) => (tell = () => subscriber.error(error)),
        });
        const learn = this.#look();
        this.#events.effective(operation);
        this.#add(`${this.#name}: ${what} is answered`, () => {
          this.underWay.delete(operation);
          if (this.#page.gone) return;
          learn();
          this.#events.answered(operation);
          if (what === `the read of ${EVERYTHING}`) this.closesGap();
          if (kind === "commit") this.#learn(operation.users); // one that another tab has made before: what the store says of its users is taken over
          tell();
        });
      };
      this.#add(`${this.#name}: ${what} takes effect`, inTurn(effect));
    });
  }

  /** What there is to be learned from the store now, once it is answered. */
  #look(): () => void {
    const committedTo = this.#events.committedTo();
    const { states, epoch } = this.#records.saved;
    const revisions = new Map(USERS.map((user) => [user, Math.max(states.get(user)?.revision ?? -1, epoch)]));
    const others = USERS.filter((user) => revisions.get(user) !== this.#revisions.get(user));
    this.#revisions = revisions;
    return () => {
      this.learnedTo = Math.max(this.learnedTo, committedTo);
      this.#learn(others);
    };
  }

  #learn(users: Iterable<UserId>): void {
    for (const user of users) this.#learned.set(user, this.learned(user) + 1);
  }
}
