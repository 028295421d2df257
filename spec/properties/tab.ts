import { BehaviorSubject, map, tap, type Observable } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { UserId } from "../../src/model/ids.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { Callers, type Hear } from "./callers.js";
import { Facts, type Query } from "./facts.js";
import type { Hop } from "./hops.js";
import { keysApi } from "./keys-api.js";
import { Ledger } from "./ledger.js";
import type { Oracle } from "./oracle.js";
import { ME } from "./server.js";
import { StorePort } from "./store-port.js";
import type { Surroundings } from "./surroundings.js";
import { syncLoop, type Poll, type Turn } from "./sync-loop.js";
import { TabClock } from "./virtual-clock.js";

/** One tracker with its ports, its subscribers and its callers, who report to the oracle. */
export class Tab {
  readonly facts: Facts;
  readonly turn$ = new BehaviorSubject<Turn>("rest");
  readonly clock: TabClock;
  readonly store: StorePort;
  readonly callers: Callers;
  isFrozen = false;
  readonly #world: Surroundings;
  readonly #oracle: Oracle;
  readonly #tracker: DeviceTracker;
  readonly #openStreams = new Set<string>();

  constructor(name: string, world: Surroundings, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
    this.facts = new Facts(name, oracle.saved.position, new Ledger(world.server));
    this.clock = new TabClock(world.clock);
    this.store = new StorePort(world, (isLogged) => {
      oracle.records();
      world.writer = this.facts;
      if (isLogged && this.facts.standsIn === "yes") this.facts.standsIn = "adopting";
    });
    this.#tracker = this.#create();
    this.callers = new Callers(this.#tracker, this.facts, world, oracle, this.#hear);
    this.#listen(this.#tracker);
    this.#tracker.connect();
  }

  freeze(): void {
    this.isFrozen = true;
    this.store.scripted.loseAnnouncements();
  }

  wake(): void {
    this.isFrozen = false;
    this.store.scripted.wake();
  }

  /** @param isWriting whether what the store has begun still takes effect */
  crash(isWriting: boolean): void {
    this.facts.state = isWriting ? "writing" : "gone";
    this.store.isGone = true;
    if (!isWriting) this.store.scripted.crash();
    this.clock.stop();
  }

  close(): void {
    this.facts.state = "closed";
    this.#tracker.close();
    this.#oracle.closed(this.facts, this.#openStreams);
  }

  #create(): DeviceTracker {
    const world = this.#world;
    const { maxUsersPerQuery, maxConcurrentQueries, maxListsInMemory, gaps } = world.setup;
    const verifier = new ScriptedVerifier({ scheduler: world.clock });
    return new DeviceTracker({
      userId: ME,
      sync$: syncLoop(this.turn$, this.store, world).pipe(
        tap((poll) => this.#give(poll)),
        map(({ response }) => response),
      ),
      keysApi: keysApi(this.facts, world, (users) => this.#send(users)),
      store: this.store,
      scheduler: this.clock,
      verifier: {
        verify: (checks) => {
          verifier.takes = world.delay();
          return verifier.verify(checks);
        },
      },
      maxUsersPerQuery,
      maxConcurrentQueries,
      maxListsInMemory,
      gaps,
      extensions: [this.facts.ledger],
    });
  }

  #listen(tracker: DeviceTracker): void {
    const [facts, world, oracle] = [this.facts, this.#world, this.#oracle];
    const { mentionedAt } = facts;
    this.#stream(
      "problems$",
      tracker.problems$,
      (problem) => {
        if (problem.type === "store-unavailable") facts.standsIn = "yes";
        if (problem.type === "gap") facts.hasMissed = true;
        if (problem.type === "gap" && !problem.caughtUp) facts.lostAt = world.moment();
      },
      (problem) => `${problem.type}: ${problem.message}${"error" in problem ? ` (${String(problem.error)})` : ""}`,
    );
    this.#stream("applied$", tracker.applied$, (response) => {
      const to = world.server.positionOf(response.next_batch);
      facts.applied.push(response);
      facts.appliedTo = Math.max(facts.appliedTo, to);
      facts.upTo = Math.max(facts.upTo ?? 0, to);
      oracle.ledger(facts);
    });
    this.#stream("synced$", tracker.synced$, (response) => {
      facts.synced.push(response);
      oracle.synced(facts, response);
    });
    this.#stream(
      "trackedUsers$",
      tracker.trackedUsers$,
      (users) => {
        oracle.trackedUsers(facts, users);
        if (facts.tracked.size === 0) {
          facts.loadedFrom = oracle.saved.position;
          facts.loadedParts = new Map(oracle.savedParts);
        }
        facts.tracked = users;
      },
      showSet,
    );
    this.#stream("deviceChanges$", tracker.deviceChanges$, ({ changed, left }) => {
      for (const user of [...changed, ...left]) mentionedAt.set(user, world.moment());
      if (world.setup.asksInside && changed.length > 0) this.callers.lookup(changed, false);
    });
    this.#stream("caughtUp$", tracker.caughtUp$, () => {
      oracle.caughtUp(facts);
      facts.isCaughtUp = true;
    });
  }

  #stream<T>(name: string, stream$: Observable<T>, next: (value: T) => void, show?: (value: T) => string): void {
    this.#openStreams.add(name);
    stream$.subscribe({ next: this.#hear(name, next, show), complete: () => this.#openStreams.delete(name) });
  }

  readonly #hear: Hear = (what, next, show = JSON.stringify) => {
    return (value) => {
      if (this.store.isGone) return;
      this.#world.trace.note(() => `  ${this.facts.name} ${what} ${show(value)}`);
      next(value);
    };
  };

  #give({ response, from, to }: Poll): void {
    const { facts } = this;
    const { server, setup, trace, trackers } = this.#world;
    trace.note(() => `  ${facts.name} is given ${String(from)} to ${to}: ${JSON.stringify(response)}`);
    const { changed = [], left = [] } = response.device_lists ?? {};
    const end = server.positionOf(response.next_batch);
    const start = from === undefined ? undefined : server.positionOf(server.token(from));
    const newest = trackers.map(({ state, upTo }) => (state === "gone" ? -1 : (upTo ?? -1)));
    if ((start ?? -1) < Math.max(this.#oracle.saved.position ?? -1, ...newest)) this.#world.isOneLine = false;
    if (from === undefined) facts.loadedFrom ??= end; // an initial sync of an account announces nothing
    facts.given.push(response);
    facts.ledger.give(response, { from: from ?? 0, to });
    facts.upTo = Math.max(facts.upTo ?? 0, end);
    const says = response.since !== undefined;
    facts.hops.push({ from: says ? start : "any", to: end, changed, left });
    // Memory that stands in for the store knows nothing of what is before its stream.
    if (setup.gaps === "distrust" || setup.storeOpensAfter > 0)
      facts.hops.push(unknownHop(says ? start : undefined, end));
  }

  #send(users: readonly UserId[]): Query {
    const { facts } = this;
    const { queries, trace } = this.#world;
    const query: Query = { id: queries.length, users, sentAt: this.#world.moment() };
    trace.note(() => `  ${facts.name} sends query ${query.id} for ${users.join()}`);
    for (const list of [queries, facts.queries]) list.push(query);
    facts.inFlight.add(query);
    this.#oracle.askedFor(facts, query);
    return query;
  }
}

const showSet = (users: ReadonlySet<UserId>): string => [...users].join();

/** A gap before a response: to where the response begins, or to where it ends if it does not say where that is. */
const unknownHop = (start: number | undefined, end: number): Hop => {
  const from = start === undefined ? "any" : "elsewhere";
  return { from, to: start ?? end, changed: [], left: [], unknown: true };
};
