import { defer, Subject, type Subscriber, type Subscription } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import { deviceKey } from "../../src/keys/device-key.js";
import type { SignatureCheck, SignatureVerifier } from "../../src/trust/signature-verifier.js";
import {
  InvalidResponseError,
  QueryTimedOutError,
  StoreClearedError,
  VerificationFailedError,
} from "../../src/model/errors.js";
import { isUserId, type UserId } from "../../src/model/ids.js";
import type { DeviceChanges, DeviceKeysByUser } from "../../src/model/results.js";
import type { DeviceUpdate } from "../../src/model/updates.js";
import type { DeviceKeys, DeviceLists, KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ME, names, type ChangesOutcome, type Command, type Outcome, type Setup, type Then } from "./commands.js";
import { HistoryWhile, type Witness } from "./history.js";
import { readCheck } from "./signed-device.js";
import type { SavedKeys } from "./saved-keys.js";
import { positionOf, token, Told, type Response, type Server } from "./model.js";
import { ToldKeysApi, type ChangesQuery, type Query } from "./told-keys-api.js";
import { PageClock, type VirtualClock } from "./virtual-clock.js";
import type { WatchedRecords } from "./watched-records.js";
import { changesBody, isHostile, keyedDevice, KEYED, queryBody, readList, syncBody } from "./wire.js";

/** What all pages share. */
export interface Surroundings {
  readonly setup: Setup;
  readonly server: Server;
  readonly clock: VirtualClock;
  readonly records: WatchedRecords;
  readonly history: Witness;
  /** Counts what happens: a greater one is later. */
  readonly moment: () => number;
  readonly answersAtOnce: () => boolean;
  /** What a caller does in the moment of its answer. */
  readonly then: (page: Page, then: Then, users: readonly UserId[]) => void;
  /** What the page's tracker is given for its store. */
  readonly storeFor: (page: Page) => DeviceStore;
  readonly verifierFor: (page: Page) => SignatureVerifier;
  /** What is saved of keys, by what was seen of it. */
  readonly keys: SavedKeys;
}

/** Somebody who waits for device lists. */
export interface Caller {
  readonly name: string;
  readonly users: ReadonlySet<UserId>;
  readonly watches: boolean;
  /** What the tracker had been told when they subscribed, and when that was. */
  readonly since: {
    readonly moment: number;
    readonly time: number;
    readonly versions: ReadonlyMap<UserId, number>;
    readonly invalidations: ReadonlyMap<UserId, number>;
  };
  readonly forceDownload: boolean;
  ended: boolean;
  last?: DeviceKeysByUser;
  subscription?: Subscription;
}

/** How a query fails here. */
class ServerError extends Error {}

/** One page load: a tracker, its store and its server, and the checks of all that it tells. */
export class Page {
  readonly tracker: DeviceTracker;
  readonly store: ScriptedStore;
  readonly callers: Caller[] = [];
  readonly queries: Query[] = [];
  readonly changesQueries: ChangesQuery[] = [];
  readonly received: Response[] = [];
  told: Told;
  loaded = false;
  /** Whether the store could not be opened, and memory stands in for it. */
  fellBack = false;
  sawClear = false;
  /** Whether the store failed, or hung. */
  troubled = false;
  /**
   * Whether a commit took effect unknown to the tracker, which does it again and may take it for what another tab did: what was asked in between is then not relied on,
   * and asked once more.
   */
  repeats = false;
  /** Whether a commit took effect after others that came later: somebody's leaving may then have overtaken a `track()`. */
  late = false;
  /** Whether an operation of the store hung: an answer may then be a long time on its way through it. */
  delayed = false;
  /** Whoever was to be tracked by the application's own word. */
  readonly #tracks = new Set<UserId>();
  /** How many operations of the store failed, or hung, or are to. */
  troubles = 0;
  /** Whether the verifier failed, or hung. */
  verifierTroubled = false;
  /** Whether the page is gone. What its code still does in the moment in which it goes, nobody sees. */
  gone = false;
  readonly #name: string;
  readonly #world: Surroundings;
  readonly clock: PageClock;
  readonly #delivered: { readonly body: SyncResponse; readonly response: Response }[] = [];
  readonly #subscriptions: Subscription[] = [];
  readonly #sent = new Map<UserId, number>();
  readonly #pairs = new Set<string>();
  /** The first key of each device that it has given out. */
  readonly #given = new Map<UserId, Map<string, string | undefined>>();
  #sync$ = new Subject<SyncResponse>();
  #connection: Subscription | undefined;
  #syncEnded = false;
  #tracked: ReadonlySet<UserId> | undefined;

  constructor(name: string, world: Surroundings) {
    const { setup, clock, records } = world;
    const history = new HistoryWhile(world.history, () => !this.gone);
    this.#name = name;
    this.#world = { ...world, history };
    this.clock = new PageClock(clock);
    const { token: saved, states } = records.saved;
    this.told = new Told(world.server, saved === undefined ? undefined : positionOf(saved), states.keys());
    this.store = new ScriptedStore({ scheduler: clock, takes: setup.storeTakes, records });
    this.tracker = new DeviceTracker({
      userId: ME,
      sync$: defer(() => this.#sync$),
      keysApi: new ToldKeysApi({
        arrives: (users, timeout, subscriber) => this.#queried(users, timeout, subscriber),
        aborted: (query) => this.#note(`query ${query.id} is aborted`),
        asksForChanges: (query) => {
          this.#note(`asks for the changes from ${query.from} to ${query.to}`);
          this.changesQueries.push(query);
          if (this.gone) return;
          if (setup.tellsChanges === "at once" || world.answersAtOnce()) this.answerChanges(query, "the truth");
        },
      }),
      store: world.storeFor(this),
      verifier: world.verifierFor(this),
      unsignedDevices: setup.signed === "no" ? "accept" : "refuse",
      scheduler: this.clock,
      maxUsersPerQuery: setup.maxUsersPerQuery,
      maxConcurrentQueries: setup.maxConcurrentQueries,
      maxListsInMemory: setup.maxListsInMemory,
    });
    const never = (stream: string) => ({
      error: (error: unknown) => history.broken("edges", `${stream} failed: ${String(error)}`),
      complete: () => history.broken("edges", `${stream} completed`),
    });
    this.#subscriptions.push(
      this.tracker.problems$.subscribe({
        next: ({ type }) => {
          this.#note(`problem: ${type}`);
          if (type !== "store-unavailable") return;
          this.fellBack = true;
          this.told.startsEmpty();
        },
        ...never("problems$"),
      }),
      this.tracker.deviceUpdates$.subscribe({ next: (update) => this.#updates(update), ...never("deviceUpdates$") }),
      this.tracker.deviceChanges$.subscribe({ next: (changes) => this.#changes(changes), ...never("deviceChanges$") }),
      this.tracker.trackedUsers$.subscribe({
        next: (users) => {
          if (!this.loaded) this.#note("loaded");
          this.loaded = true;
          history.expect(users.has(ME), "P6", () => "our own user is not tracked");
          this.#tracked = users;
        },
        ...never("trackedUsers$"),
      }),
    );
    this.connect();
    if (this.gone) this.crash(); // in the middle of this
  }

  /** Whether the model knows exactly what the tracker knows: nothing that another tab did, or that the store had been told before, can have got into it. */
  get exact(): boolean {
    return this.#world.setup.tabs === 1 && !this.told.uncertain;
  }

  /** Whether the user may not be tracked, though the application asked for it, for a late commit took them for gone. */
  mayBeUntracked(user: UserId): boolean {
    return this.late && this.#tracks.has(user);
  }

  get waiting(): readonly Caller[] {
    return this.callers.filter(({ ended, watches }) => !ended && !watches);
  }

  get active(): readonly Caller[] {
    return this.callers.filter(({ ended }) => !ended);
  }

  get inFlight(): readonly Query[] {
    return this.queries.filter(({ state }) => state === "in flight");
  }

  get changesInFlight(): readonly ChangesQuery[] {
    return this.changesQueries.filter(({ state }) => state === "in flight");
  }

  get pendingTimers(): number {
    return this.clock.pending;
  }

  connect(): void {
    if (this.gone) return;
    if (this.#connection?.closed === false) return;
    if (this.#syncEnded) this.#sync$ = new Subject();
    this.#syncEnded = false;
    this.#followSynced();
    this.#connection = this.tracker.connect();
  }

  disconnect(): void {
    this.#connection?.unsubscribe();
  }

  endSync(how: "complete" | "error"): void {
    if (this.#syncEnded) return;
    this.#syncEnded = true;
    if (how === "complete") this.#sync$.complete();
    else this.#sync$.error(new ServerError("sync$"));
  }

  /** A sync response arrives; a page that does not listen misses it. */
  give(response: Response): void {
    const { told } = this;
    const since = told.sinceOf(response);
    const body = syncBody(response, since) as SyncResponse;
    if (!this.#sync$.observed) {
      this.#note(`misses ${JSON.stringify(body)}`);
      return;
    }
    this.received.push(response);
    if (typeof since === "number" && response.next !== undefined && since !== response.next) {
      const pair = `${token(since)} ${token(response.next)}`;
      if (
        this.#pairs.has(pair) ||
        this.#world.records.saved.steps.some((step) => pair === `${step.since} ${step.next}`)
      )
        told.uncertain = true;
      this.#pairs.add(pair);
    }
    this.#note(`is given ${JSON.stringify(body)}`);
    this.#delivered.push({ body, response });
    told.step(response);
    this.#sync$.next(body);
  }

  lookup({ users, forceDownload, timeout, then }: Omit<Extract<Command, { type: "lookup" }>, "type" | "tab">): Caller {
    const caller = this.#caller("lookup", users, forceDownload);
    const { name } = caller;
    let values = 0;
    caller.subscription = this.tracker
      .getDeviceKeys(users, { forceDownload, ...(timeout !== undefined && { timeout }) })
      .subscribe({
        next: (result) => {
          values++;
          this.#result(caller, result);
          const { history } = this.#world;
          history.expect(
            [...result.keys()].join() === [...caller.users].join(),
            "results",
            () => `${name} got ${names(result.keys())}`,
          );
          this.#world.then(this, then, users);
        },
        error: (error: unknown) => {
          caller.ended = true;
          this.#failed(name, error);
        },
        complete: () => {
          caller.ended = true;
          this.#world.history.expect(values === 1, "results", () => `${name} completed after ${values} values`);
        },
      });
    return caller;
  }

  known(users: readonly UserId[]): Caller {
    const caller = this.#caller("known", users, false);
    caller.subscription = this.tracker.getKnownDeviceKeys(users).subscribe({
      next: (result) => this.#result(caller, result),
      error: (error: unknown) => {
        caller.ended = true;
        this.#failed(caller.name, error);
      },
      complete: () => (caller.ended = true),
    });
    return caller;
  }

  watch(users: readonly UserId[]): void {
    const { history } = this.#world;
    const caller = this.#caller("watch", users, false);
    caller.subscription = this.tracker.watchDeviceKeys(users).subscribe({
      next: (result) => this.#result(caller, result),
      error: (error: unknown) => history.broken("watchers never fail", String(error)),
      complete: () => history.broken("watchers never complete", caller.name),
    });
  }

  track(users: readonly UserId[]): void {
    // Who else waits for the load, comes before or after it; and another tab may track them already.
    if (!this.loaded || this.#world.setup.tabs > 1) this.told.uncertain = true;
    this.told.track(users.filter(isUserId));
    const caller = this.#caller("track", [], false);
    for (const user of users) this.#tracks.add(user);
    caller.subscription = this.tracker.track(users).subscribe({
      error: (error: unknown) => {
        caller.ended = true;
        this.#failed(caller.name, error);
      },
      complete: () => {
        caller.ended = true;
        this.#note(`${caller.name} is durable`);
      },
    });
  }

  cancel(caller: Caller): void {
    this.#note(`${caller.name} is unsubscribed`);
    caller.ended = true;
    caller.subscription?.unsubscribe();
  }

  /** @param looksAt when the server looked at the lists, or what it saw at another moment */
  answer(query: Query, looksAt: "arrival" | "departure" | Query["seen"], outcome: Outcome): void {
    const { server, moment } = this.#world;
    const versions =
      looksAt === "departure"
        ? new Map(query.users.map((user) => [user, server.version(user)]))
        : looksAt === "arrival"
          ? query.seen
          : looksAt;
    const body = queryBody(outcome, query.id, versions, server, this.#world.setup.signed) as KeysQueryResponse;
    this.#note(
      `query ${query.id} is answered: ${outcome}, ${Array.from(versions, ([user, version]) => `${names([user])} V${version}`).join(" ")}`,
    );
    query.state = "answered";
    query.answer = { at: moment(), superseded: new Set(query.users.filter((user) => this.#superseded(query, user))) };
    if (outcome === "an error") query.subscriber.error(new ServerError("/keys/query"));
    else {
      if (outcome !== "nothing") query.subscriber.next(body);
      if (outcome === "lists, twice") query.subscriber.next(body);
      query.subscriber.complete();
    }
  }

  /** A verification ends. */
  verified(checks: readonly SignatureCheck[], failed: boolean): void {
    const ids = new Set(checks.map((check) => readCheck(check).query));
    this.#note(failed ? "the verifier fails" : `${checks.length} signatures are verified`);
    if (failed) this.verifierTroubled = true;
    for (const query of this.queries)
      if (ids.has(query.id))
        query.verified = { failed, superseded: new Set(query.users.filter((user) => this.#superseded(query, user))) };
  }

  find(user: UserId): void {
    const key = deviceKey(keyedDevice(user), "curve25519") ?? "";
    this.tracker.findDevice("curve25519", key).subscribe({
      next: (claimants) => {
        const found = claimants
          .map(({ userId, deviceId }) => `${userId} ${deviceId}`)
          .sort()
          .join();
        this.#note(`the key of ${KEYED} of ${names([user])} is of ${found}`);
        const saved = this.#world.keys.claimants("curve25519", key);
        this.#world.history.expect(
          this.fellBack || this.sawClear || this.gone || found === saved,
          "findDevice",
          () => `found ${found}, and saved lists with that key are of ${saved}`,
        );
      },
      error: (error: unknown) => this.#note(`the key of ${KEYED} of ${names([user])} is not found: ${String(error)}`),
    });
  }

  answerChanges(query: ChangesQuery, outcome: ChangesOutcome): void {
    const { from, to, subscriber } = query;
    const said = this.#world.server.between(positionOf(from), positionOf(to));
    this.#note(
      `is told of the changes from ${from} to ${to}: ${outcome}, ${names(said.changed)} left ${names(said.left)}`,
    );
    query.state = "answered";
    const body = changesBody(outcome, said) as DeviceLists;
    if (outcome === "an error") subscriber.error(new ServerError("/keys/changes"));
    else {
      if (outcome !== "nothing") subscriber.next(body);
      if (outcome === "the truth, twice") subscriber.next(body);
      subscriber.complete();
    }
  }

  /** Something goes wrong with the page's store. */
  suffers(
    what: string,
    consequences: {
      readonly troubled: boolean;
      readonly repeats: boolean;
      readonly late: boolean;
      readonly delayed: boolean;
    },
  ): void {
    this.#note(`!! ${what}`);
    this.troubled ||= consequences.troubled;
    this.repeats ||= consequences.repeats;
    this.late ||= consequences.late;
    this.delayed ||= consequences.delayed;
  }

  /** What must hold whenever nothing is just happening. */
  check(): void {
    const { history } = this.#world;
    for (const query of this.inFlight) {
      history.expect(
        this.active.some(({ users }) => query.users.some((user) => users.has(user))),
        "P9",
        () => `nobody waits for query ${query.id}, and it is in flight`,
      );
    }
    const tracked = this.#tracked;
    if (tracked === undefined || !this.exact) return;
    const should = [...this.told.tracked].filter((user) => tracked.has(user) || !this.mayBeUntracked(user));
    history.expect(
      [...tracked].sort().join() === should.sort().join(),
      "trackedUsers$",
      () => `${names(tracked)} are tracked and should be ${names(this.told.tracked)}`,
    );
  }

  /** The page is closed in the middle of whatever it does. */
  crash(): void {
    this.gone = true;
    this.store.crash();
    this.clock.stop();
    for (const caller of this.active) this.cancel(caller);
    this.disconnect();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #queried(users: readonly UserId[], timeout: number | undefined, subscriber: Subscriber<KeysQueryResponse>): Query {
    const { setup, history, server, moment, answersAtOnce } = this.#world;
    const query: Query = {
      id: moment(),
      users,
      timeout,
      state: "in flight",
      invalidations: new Map(users.map((user) => [user, this.told.invalidations(user)])),
      seen: new Map(users.map((user) => [user, server.version(user)])),
      subscriber,
    };
    this.#note(`query ${query.id} is sent for ${names(users)}`);
    history.expect(
      users.length > 0 && users.length <= setup.maxUsersPerQuery && users.every(isUserId),
      "queries",
      () => `${users.length} users in one query`,
    );
    for (const user of users) {
      const sent = (this.#sent.get(user) ?? 0) + 1;
      this.#sent.set(user, sent);
      history.expect(
        !this.exact || this.repeats || sent <= this.#queriesAllowed(user),
        "P5",
        () =>
          `${sent} queries for ${names([user])}, and nobody gave a reason for more than ${this.#queriesAllowed(user)}`,
      );
      const other = this.inFlight.find((one) => one.users.includes(user) && !this.#superseded(one, user));
      history.expect(
        !this.exact || this.repeats || other === undefined,
        "P2",
        () =>
          `query ${query.id} for ${names([user])} is sent while query ${other?.id ?? ""} is in flight and not superseded`,
      );
    }
    this.queries.push(query);
    const { inFlight } = this;
    const counted = inFlight.filter((one) => !one.users.some((user) => this.#superseded(one, user))).length;
    history.expect(
      inFlight.length <= 2 * setup.maxConcurrentQueries,
      "cap",
      () => `${inFlight.length} queries in flight`,
    );
    history.expect(
      !this.exact || this.repeats || counted <= setup.maxConcurrentQueries,
      "cap",
      () => `${counted} queries in flight that are not superseded`,
    );
    if (answersAtOnce() && !this.gone) this.answer(query, "arrival", "lists");
    return query;
  }

  #superseded(query: Query, user: UserId): boolean {
    return this.told.invalidations(user) > (query.invalidations.get(user) ?? 0);
  }

  /** Each lookup may ask once; a watcher once, after each change once more, and now and then for those who could not be asked for. */
  #queriesAllowed(user: UserId): number {
    let allowed = 0;
    for (const { users, watches, since } of this.callers) {
      if (!users.has(user)) continue;
      const changes = this.told.invalidations(user) - (since.invalidations.get(user) ?? 0);
      allowed += 1 + (watches ? changes + Math.floor((this.#world.clock.now() - since.time) / 30_000) : 0);
    }
    return allowed;
  }

  #caller(kind: string, users: readonly UserId[], forceDownload: boolean): Caller {
    const { moment, clock } = this.#world;
    const caller: Caller = {
      name: `${kind} ${this.callers.length}`,
      users: new Set(users),
      watches: kind === "watch",
      since: {
        moment: moment(),
        time: clock.now(),
        versions: new Map(users.map((user) => [user, this.told.version(user)])),
        invalidations: new Map(users.map((user) => [user, this.told.invalidations(user)])),
      },
      forceDownload,
      ended: false,
    };
    this.callers.push(caller);
    this.#note(`${caller.name} begins`);
    return caller;
  }

  #result(caller: Caller, result: DeviceKeysByUser): void {
    const { history } = this.#world;
    const { name, since, watches } = caller;
    const lookup = name.startsWith("lookup");
    caller.last = result;
    this.#note(
      `${name} gets ${Array.from(result, ([user, { deviceKeys, freshness }]) => `${names([user])} V${readList(deviceKeys).version} ${freshness}`).join(", ")}`,
    );
    for (const [user, { deviceKeys, rejected, freshness, lastKnown }] of result) {
      const { version, mark } = readList(deviceKeys);
      const told = this.told.version(user);
      const is = () => `${name} got V${version} of ${names([user])} as ${freshness}`;
      history.expect(isUserId(user) || freshness === (lookup || watches ? "untracked" : "outdated"), "IDs", is);
      for (const [deviceId, device] of deviceKeys) {
        history.expect(
          device.user_id === user && device.device_id === deviceId,
          "P8",
          () => `${is()}, with a device of somebody else, or by another name`,
        );
        const refused = rejected.get(deviceId);
        history.expect(
          !isHostile(deviceId) && (refused === undefined || refused.code === "key-changed"),
          "P8",
          () => `${is()}, with ${deviceId}, which should be refused (${refused?.code ?? "and is not"})`,
        );
        this.#checkKey(user, deviceId, device);
      }
      for (const [deviceId, device] of lastKnown ?? []) this.#checkKey(user, deviceId, device);
      history.expect(
        freshness !== "current" || version >= told,
        "P1",
        () => `${is()}, and the tracker had been told of V${told}`,
      );
      history.expect(
        freshness !== "current" || mark?.unreachable !== true,
        "P3",
        () => `${is()}, though the answer said that their server had failed`,
      );
      const verified = this.queries.find(({ id }) => id === mark?.query)?.verified;
      history.expect(
        this.#world.setup.signed !== "anew" ||
          !this.queries.some(({ id }) => id === mark?.query) ||
          verified?.failed === false,
        "P8",
        () => `${is()}, whose signatures were not verified`,
      );
      history.expect(
        freshness === "unreachable" || lastKnown === undefined,
        "results",
        () => `${is()} with what was last known`,
      );
      history.expect(freshness !== "outdated" || (!lookup && !watches), "results", is);
      if (!this.exact || !isUserId(user)) continue;
      const tracked = this.told.tracked.has(user);
      history.expect(freshness !== "current" || tracked, "P1", () => `${is()}, who is not tracked`);
      history.expect(
        watches || freshness !== "untracked" || !tracked || this.mayBeUntracked(user),
        "freshness",
        () => `${is()}, who is tracked`,
      );
      if (!lookup || freshness === "unreachable") continue;
      history.expect(
        version >= (since.versions.get(user) ?? 0),
        "section 2.3",
        () => `${is()}, and had seen V${since.versions.get(user) ?? 0} before they asked`,
      );
      const query = this.queries.find(({ id }) => id === mark?.query);
      // An answer that is still being verified or saved may be joined like one that is not there yet.
      const { storeTakes, verifierTakes } = this.#world.setup;
      const savedAtOnce =
        storeTakes === 0 &&
        verifierTakes.every((takes) => takes === 0) &&
        !this.troubled &&
        !this.delayed &&
        !this.verifierTroubled;
      history.expect(
        !caller.forceDownload || !savedAtOnce || query === undefined || (query.answer?.at ?? 0) > since.moment,
        "forceDownload",
        () => `${is()}, from the cache`,
      );
      const before = query?.invalidations.get(user) ?? since.invalidations.get(user) ?? 0;
      history.expect(
        freshness !== "superseded" || this.sawClear || this.troubled || this.told.invalidations(user) > before,
        "freshness",
        () => `${is()}, and nothing had changed`,
      );
    }
  }

  #failed(name: string, error: unknown): void {
    this.#note(`${name} fails: ${String(error)}`);
    const expected =
      error instanceof ServerError ||
      error instanceof QueryTimedOutError ||
      error instanceof InvalidResponseError ||
      (error instanceof StoreClearedError && this.sawClear) ||
      (error instanceof VerificationFailedError && this.verifierTroubled);
    this.#world.history.expect(expected, "errors", () => `${name} failed with ${String(error)}`);
  }

  /** A device's key is the one that was first saved; where it could not be saved, the one that was first given out. Where the store could be neither written to nor read, who knows. */
  #checkKey(user: UserId, deviceId: string, device: DeviceKeys): void {
    const { history, keys } = this.#world;
    const key = deviceKey(device, "ed25519");
    const given = this.#given.get(user) ?? new Map<string, string | undefined>();
    this.#given.set(user, given);
    if (!given.has(deviceId)) given.set(deviceId, key);
    if (this.sawClear || this.troubles > 1) return;
    const pinned = keys.pinned(user, deviceId);
    const held = key === pinned || ((this.troubled || this.fellBack) && key === given.get(deviceId));
    history.expect(
      held,
      "pins",
      () =>
        `${deviceId} of ${names([user])} is given out with ${key ?? "no key"}, and ${pinned ?? "none"} is pinned, ${given.get(deviceId) ?? "none"} was given out before`,
    );
  }

  #updates(update: DeviceUpdate): void {
    const { userId, added, removed } = update;
    this.#note(`deviceUpdates$ ${names([userId])} added ${added.join()} removed ${removed.join()}`);
    if (!this.fellBack && !this.gone && !this.sawClear)
      this.#world.keys.told(update, this.troubled && this.#world.setup.tabs > 1);
  }

  #changes({ changed, left }: DeviceChanges): void {
    this.#note(`deviceChanges$ changed ${names(changed)} left ${names(left)}`);
    if (this.#world.setup.asksInsideChanges)
      this.lookup({ users: [...changed, ...left], forceDownload: false, timeout: undefined, then: "nothing" });
  }

  #followSynced(): void {
    const { history, records } = this.#world;
    let last = -1;
    this.#subscriptions.push(
      this.tracker.synced$.subscribe({
        next: (body) => {
          const index = this.#delivered.findIndex((one) => one.body === body);
          const response = this.#delivered[index]?.response;
          this.#note(`synced$ ${body.next_batch}`);
          history.expect(response !== undefined && index > last, "synced$", () => `${body.next_batch} out of order`);
          last = index;
          // A commit that the store did, and did not tell of, is done once more: its token may then be older than what is saved.
          if (this.troubled || this.fellBack || this.sawClear || !this.exact || response === undefined) return;
          const saved = records.saved.token;
          const later = this.#delivered
            .slice(index)
            .some(({ response: one }) => one.next !== undefined && token(one.next) === saved);
          history.expect(
            later || (saved !== undefined && positionOf(saved) >= response.upTo),
            "synced$",
            () => `${body.next_batch} while the saved token is ${String(saved)}`,
          );
        },
        error: (error: unknown) => {
          this.#note(`synced$ fails: ${String(error)}`);
          history.expect(
            error instanceof ServerError || (error instanceof StoreClearedError && this.sawClear),
            "synced$",
            () => `failed with ${String(error)}`,
          );
        },
        complete: () => this.#note("synced$ completes"),
      }),
    );
  }

  #note(text: string): void {
    this.#world.history.note(`  ${this.#name}: ${text}`);
  }
}
