import { defer, map, Subject, timer, type Observable, type Subscription } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceChanges, DeviceKeysByUser } from "../../src/model/results.js";
import type { KeysQueryRequest, KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { VirtualClock } from "../properties/virtual-clock.js";
import { ALICE, type Exchange, type RecordedAnswer } from "./recording.js";
import { nodeVerifier } from "../support/node-verifier.js";

/** A store, and how its page crashes: what it has not done by then, it never does. */
export interface OpenedStore {
  readonly store: DeviceStore;
  readonly crash: () => void;
}

/** Where the records are kept, and how to let the store proceed. */
export interface Storage {
  readonly open: (clock: VirtualClock) => OpenedStore;
  readonly turn: () => Promise<void>;
}

/** When the page is reloaded in one exchange. */
export type Moment = "before" | "as it begins" | "as it is answered" | "after";

/** The outcome of one exchange. */
export interface Outcome {
  readonly tracked: ReadonlySet<UserId>;
  /** The users that were queried, request by request. */
  readonly asked: readonly (readonly UserId[])[];
  readonly changes: readonly DeviceChanges[];
  readonly result: DeviceKeysByUser | undefined;
}

/** How long the server takes to answer a query, in ms. */
const ANSWER_TIME = 1;

/** Replays a recording to a tracker. */
export class Replay {
  readonly #storage: Storage;
  readonly #clock = new VirtualClock();
  #answer: RecordedAnswer | undefined;
  #asked: (readonly UserId[])[] = [];
  #changes: DeviceChanges[] = [];
  #tracked: ReadonlySet<UserId> = new Set();
  #sync$ = new Subject<SyncResponse>();
  #opened: OpenedStore;
  #tracker: DeviceTracker;
  #connection: Subscription;

  constructor(storage: Storage) {
    this.#storage = storage;
    [this.#opened, this.#tracker, this.#connection] = this.#load();
  }

  /** @param reload when the page is reloaded, if at all; it then repeats what it was about to do */
  async play(exchange: Exchange, reload?: Moment): Promise<Outcome> {
    if (reload === "before") await this.#reload();
    this.#asked = [];
    this.#changes = [];
    const result =
      exchange.type === "sync"
        ? await this.#deliver(exchange.response, reload)
        : exchange.type === "query"
          ? await this.#lookup(exchange, reload)
          : undefined;
    if (reload === "after") await this.#reload();
    return { tracked: this.#tracked, asked: this.#asked, changes: this.#changes, result };
  }

  close(): void {
    this.#connection.unsubscribe();
  }

  async #deliver(response: SyncResponse, reload: Moment | undefined): Promise<undefined> {
    let synced = false;
    const following = this.#tracker.synced$.subscribe(() => (synced = true));
    if (reload !== "as it begins") this.#sync$.next(response);
    if (reload === "as it begins" || reload === "as it is answered") {
      following.unsubscribe();
      await this.#reload();
      // The sync loop resumes at the saved token: this response may have been committed.
      const saved = await this.#value(this.#opened.store.syncToken$);
      if (saved === response.next_batch) return;
      if ((saved ?? null) !== response.since)
        throw new Error(
          `the saved token is ${String(saved)}, and the step to ${response.next_batch} answers ${String(response.since)}`,
        );
      this.#changes = [];
      await this.#deliver(response, undefined);
      return;
    }
    await this.#until(() => synced);
    following.unsubscribe();
  }

  async #lookup(exchange: Exchange & { type: "query" }, reload: Moment | undefined): Promise<DeviceKeysByUser> {
    this.#answer = exchange.answer;
    const lookup$ = this.#tracker.getDeviceKeys(exchange.users, { timeout: exchange.timeout });
    if (reload === "as it begins" || reload === "as it is answered") {
      const lookup = lookup$.subscribe();
      if (reload === "as it is answered") this.#clock.advance(ANSWER_TIME);
      await this.#reload(lookup);
      this.#asked = [];
      return this.#lookup(exchange, undefined);
    }
    return this.#value(lookup$);
  }

  async #reload(...left: readonly Subscription[]): Promise<void> {
    this.#opened.crash();
    this.#connection.unsubscribe();
    for (const subscription of left) subscription.unsubscribe();
    this.#sync$ = new Subject();
    this.#tracked = new Set();
    [this.#opened, this.#tracker, this.#connection] = this.#load();
    await this.#until(() => this.#tracked.size > 0);
  }

  #load(): [OpenedStore, DeviceTracker, Subscription] {
    const opened = this.#storage.open(this.#clock);
    const sync$ = this.#sync$;
    const tracker = new DeviceTracker({
      userId: ALICE,
      sync$,
      store: opened.store,
      scheduler: this.#clock,
      verifier: nodeVerifier,
      keysApi: { query: (request) => this.#query(request), changes: () => new Subject() },
    });
    const connection = tracker.connect();
    connection.add(tracker.trackedUsers$.subscribe((users) => (this.#tracked = users)));
    connection.add(tracker.deviceChanges$.subscribe((changes) => this.#changes.push(changes)));
    return [opened, tracker, connection];
  }

  /** The part of the recorded response that is about the queried users. */
  #query({ device_keys: wanted }: KeysQueryRequest): Observable<KeysQueryResponse> {
    return defer(() => {
      const users = Object.keys(wanted);
      this.#asked.push(users);
      const { answer } = this;
      const of = <T>(section: Record<UserId, T>) =>
        Object.fromEntries(
          users.flatMap((user) => (section[user] === undefined ? [] : [[user, section[user]]])),
        ) as Record<UserId, T>;
      return timer(ANSWER_TIME, this.#clock).pipe(
        map(() => ({
          device_keys: of(answer.device_keys),
          failures: answer.failures,
          master_keys: of(answer.master_keys),
          self_signing_keys: of(answer.self_signing_keys),
          user_signing_keys: {},
        })),
      );
    });
  }

  get answer(): RecordedAnswer {
    if (this.#answer === undefined) throw new Error("a query was sent before the first one of the recording");
    return this.#answer;
  }

  async #value<T>(source$: Observable<T>): Promise<T> {
    const values: T[] = [];
    const errors: unknown[] = [];
    source$.subscribe({ next: (value) => values.push(value), error: (error: unknown) => errors.push(error) });
    await this.#until(() => values.length + errors.length > 0);
    if (errors.length > 0) throw errors[0];
    return values[0] as T;
  }

  async #until(reached: () => boolean): Promise<void> {
    for (let turns = 0; !reached(); turns++) {
      if (turns > 1_000) throw new Error("gave up waiting");
      this.#clock.advance(1);
      await this.#storage.turn();
    }
  }
}
