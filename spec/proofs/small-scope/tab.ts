import type { Subject, Subscriber, Subscription } from "rxjs";
import type { DeviceTracker } from "../../../src/device-tracker.js";
import type { UserId } from "../../../src/model/ids.js";
import type { DeviceKeysByUser } from "../../../src/model/results.js";
import type { DeviceLists, KeysQueryRequest, KeysQueryResponse, SyncResponse } from "../../../src/model/wire.js";
import type { ExposedCore } from "./exposed-core.js";
import { noteCaptured } from "./heap-print.js";
import { SteppedClock } from "./stepped-clock.js";
import { SteppedStore, type Records } from "./stepped-store.js";
import { ME, nameOf, positionOf, tokenOf, USERS, type Truth, type User } from "./truth.js";

/** What a tab tells of itself. */
export interface Observer {
  /** What can be seen from outside; the users of it in any order. */
  readonly note: (text: string, users?: readonly string[]) => void;
  readonly broken: (promise: string, text: string) => void;
}

interface Query {
  readonly users: readonly User[];
  /** The lists' versions when it arrived. */
  readonly seen: readonly number[];
  readonly subscriber: Subscriber<KeysQueryResponse>;
  /** The revisions that the tracker knew for its users when it was sent. */
  readonly revisions: readonly unknown[];
  /** Whether steps were found missing since. */
  doubted: boolean;
}

interface ChangesQuery {
  readonly from: number;
  readonly to: number;
  readonly subscriber: Subscriber<DeviceLists>;
}

interface Caller {
  readonly users: readonly User[];
  /** What the tracker had been told when it was asked. */
  readonly told: readonly number[];
  subscription: Subscription | undefined;
}

/** What of the tracker's own state decides whether a query is superseded. */
interface Insides {
  readonly __tracked: { get(userId: UserId): { readonly revision: unknown } | undefined; readonly inDoubt: boolean };
}

const DEADLINE = 1e9;
/** The longest wait of the core's own, before a failed commit is tried again. */
const LONGEST_WAIT = 60_000;

/** One tab: a tracker, its sync loop, and its ports, of which each is answered when it is told to. */
export class Tab {
  readonly store: SteppedStore;
  readonly clock: SteppedClock;
  readonly queries: Query[] = [];
  readonly changes: ChangesQuery[] = [];
  readonly callers: Caller[] = [];
  /** Where its sync loop stands; `null`: at the beginning. */
  loop: number | null;
  /** The newest version of each user that it was told of. */
  readonly told: number[];
  readonly #core: ExposedCore;
  readonly #truth: Truth;
  readonly #observer: Observer;
  readonly #sync$: Subject<SyncResponse>;
  readonly #tracker: DeviceTracker;

  constructor(core: ExposedCore, truth: Truth, records: Records, observer: Observer) {
    this.#core = core;
    this.#truth = truth;
    this.#observer = observer;
    this.store = new SteppedStore(core, records);
    this.clock = new SteppedClock(core);
    const { token } = (records.get("account")?.get("sync") ?? {}) as { token?: string };
    this.loop = token === undefined ? null : positionOf(token);
    this.told = USERS.map((user) => truth.version(user, this.loop ?? 0));
    this.#sync$ = new core.Subject();
    this.#tracker = new core.DeviceTracker({
      userId: ME,
      sync$: this.#sync$,
      store: this.store,
      scheduler: this.clock,
      queryDeadline: DEADLINE,
      storeDeadline: DEADLINE,
      keysApi: {
        query: noteCaptured("query", (request: KeysQueryRequest) => this.#query(request)),
        changes: noteCaptured("changes", (range: { readonly from: string; readonly to: string }) =>
          this.#changes(range),
        ),
      },
    });
    this.#tracker.deviceChanges$.subscribe(
      noteCaptured("deviceChanges$", ({ changed }: { changed: readonly string[] }) =>
        observer.note("changed", changed),
      ),
    );
    this.#tracker.synced$.subscribe({
      next: noteCaptured("synced$", ({ next_batch }: SyncResponse) => observer.note(`synced ${next_batch}`)),
      error: noteCaptured("synced$ fails", (error: unknown) => observer.broken("synced$", `failed: ${String(error)}`)),
    });
    this.#tracker.connect();
  }

  /** Everything but `told` that decides what becomes of it. */
  get state(): readonly unknown[] {
    return [this.loop, this.#tracker, this.store.pending, this.clock.timers, this.queries, this.changes, this.callers];
  }

  /** The response to where the sync loop stands, up to a position. */
  sync(end: number, delivered: boolean): void {
    const truth = this.#truth;
    const since = this.loop;
    this.loop = end;
    truth.cuts.add(end);
    if (!delivered) return;
    USERS.forEach((user, i) => (this.told[i] = Math.max(this.told[i]!, truth.version(user, end))));
    this.#sync$.next({
      since: since === null ? null : tokenOf(since),
      next_batch: tokenOf(end),
      device_lists: { changed: since === null ? [] : truth.changedIn(since, end) },
    });
  }

  lookup(users: readonly User[]): void {
    const caller: Caller = { users, told: users.map((user) => this.#toldOf(user)), subscription: undefined };
    const end = () => {
      const place = this.callers.indexOf(caller);
      if (place !== -1) this.callers.splice(place, 1);
    };
    this.callers.push(caller);
    caller.subscription = this.#tracker.getDeviceKeys(users).subscribe({
      next: noteCaptured(
        "answered",
        (result: DeviceKeysByUser) => this.#answered(caller, result),
        () => [caller],
      ),
      error: noteCaptured(
        "failed",
        (error: unknown) => {
          end();
          this.#observer.note(`a lookup fails: ${String(error)}`, users);
          if (String(error) !== "Error: the server") this.#observer.broken("P8", `a lookup failed: ${String(error)}`);
        },
        () => [caller],
      ),
      complete: noteCaptured("complete", end, () => [caller]),
    });
  }

  cancel(index: number): void {
    const [caller] = this.callers.splice(index, 1);
    caller?.subscription?.unsubscribe();
  }

  /** @param asOf whether it has what was true when it arrived, or what is true now */
  answer(index: number, asOf: "arrival" | "now"): void {
    const [query] = this.queries.splice(index, 1);
    if (query === undefined) return;
    const devices: Record<string, Record<string, unknown>> = {};
    query.users.forEach((user, i) => {
      const version = asOf === "arrival" ? query.seen[i]! : this.#truth.version(user);
      if (version > 0)
        devices[user] = { [`V${version}`]: { user_id: user, device_id: `V${version}`, algorithms: [], keys: {} } };
    });
    query.subscriber.next({ device_keys: devices } as unknown as KeysQueryResponse);
    query.subscriber.complete();
  }

  fail(index: number): void {
    this.queries.splice(index, 1)[0]?.subscriber.error(new Error("the server"));
  }

  answerChanges(fails: boolean): void {
    const [query] = this.changes.splice(0, 1);
    if (query === undefined) return;
    if (fails) query.subscriber.error(new Error("the server"));
    else {
      query.subscriber.next({ changed: this.#truth.changedIn(query.from, query.to) });
      query.subscriber.complete();
    }
  }

  /** The next operation of the store takes effect; where it is answered, too, that is done by what this gives. */
  operate(): () => void {
    const [operation] = this.store.pending.splice(0, 1);
    if (operation === undefined) return () => {};
    const { effect, subscriber } = operation;
    const result = effect();
    return () => {
      subscriber.next(result);
      subscriber.complete();
    };
  }

  failOperation(): void {
    this.store.pending.splice(0, 1)[0]?.subscriber.error(new Error("the disk"));
  }

  get timer() {
    return this.clock.next(LONGEST_WAIT);
  }

  /** What must be looked at whenever something has happened. */
  check(): void {
    if (this.#insides.__tracked.inDoubt) for (const query of this.queries) query.doubted = true;
  }

  get #insides(): Insides {
    return this.#tracker as unknown as Insides;
  }

  #toldOf(user: User): number {
    return this.told[USERS.indexOf(user)]!;
  }

  #query({ device_keys: wanted }: KeysQueryRequest) {
    const users = Object.keys(wanted) as User[];
    const start = (subscriber: Subscriber<KeysQueryResponse>) => {
      const revisions = users.map((user) => this.#insides.__tracked.get(user)?.revision);
      const query: Query = {
        users,
        seen: users.map((user) => this.#truth.version(user)),
        subscriber,
        revisions,
        doubted: false,
      };
      this.#observer.note("a query is sent", users);
      users.forEach((user, i) => {
        const other = this.queries.find(
          (one) => !one.doubted && one.users.includes(user) && one.revisions[one.users.indexOf(user)] === revisions[i],
        );
        if (other !== undefined)
          this.#observer.broken(
            "P2",
            `a query for ${nameOf(user)} is sent while one is in flight that nothing has superseded`,
          );
      });
      this.queries.push(query);
      return noteCaptured(
        "end of a query",
        () => {
          const place = this.queries.indexOf(query);
          if (place === -1) return;
          this.queries.splice(place, 1);
          this.#observer.note("a query is aborted", users);
        },
        () => [query],
      );
    };
    return new this.#core.Observable<KeysQueryResponse>(noteCaptured("start of a query", start, () => [users]));
  }

  #changes({ from, to }: { readonly from: string; readonly to: string }) {
    const start = (subscriber: Subscriber<DeviceLists>) => {
      const query: ChangesQuery = { from: positionOf(from), to: positionOf(to), subscriber };
      this.#observer.note(`who changed from ${from} to ${to}?`);
      this.changes.push(query);
      return noteCaptured(
        "end of a question",
        () => {
          const place = this.changes.indexOf(query);
          if (place !== -1) this.changes.splice(place, 1);
        },
        () => [query],
      );
    };
    return new this.#core.Observable<DeviceLists>(noteCaptured("start of a question", start, () => [from, to]));
  }

  #answered({ users, told }: Caller, result: DeviceKeysByUser): void {
    users.forEach((user, i) => {
      const answer = result.get(user);
      if (answer === undefined) return this.#observer.broken("results", `nothing about ${nameOf(user)}`);
      const { deviceKeys, freshness } = answer;
      const version = Math.max(0, ...Array.from(deviceKeys.keys(), (deviceId) => Number(deviceId.slice(1))));
      const is = `V${version} of ${nameOf(user)} is ${freshness}`;
      this.#observer.note(`V${version} ${freshness}`, [user]);
      if (freshness === "current" && version < this.#toldOf(user))
        this.#observer.broken("P1", `${is}, and the tracker had been told of V${this.#toldOf(user)}`);
      // An initial sync announces nobody: of who is not tracked it has told nothing.
      if (freshness !== "untracked" && version < told[i]!)
        this.#observer.broken("P1", `${is}, and the tracker had been told of V${told[i]!} when it was asked`);
      if (freshness === "unreachable") this.#observer.broken("results", is);
    });
  }
}
