import type { UserId } from "../../src/model/ids.js";
import { describeEvent, type Event, type EventInTab, type History, type Setup } from "./history.js";
import { Oracle } from "./oracle.js";
import { QuietMoment } from "./quiet.js";
import { ME, USERS } from "./server.js";
import { Surroundings } from "./surroundings.js";
import { SyncLock } from "./sync-lock.js";
import { Tab } from "./tab.js";

/** Longer than any deadline, and than any wait before something is tried again, in ms. */
const LONG = 11 * 60_000;
/** Long enough for everything that no trouble delays, in ms. */
const SHORT = 1_000;

/** Lets one history happen. Throws a violation if a promise is broken. */
export class World {
  readonly #world: Surroundings;
  readonly #oracle: Oracle;
  readonly #tabs: Tab[] = [];
  readonly #closed: Tab[] = [];
  readonly #lock: SyncLock;
  readonly #unhandled: () => readonly unknown[];

  /** @param unhandled the errors that RxJS could not deliver since the last call */
  constructor(setup: Setup, unhandled: () => readonly unknown[], isTraced: boolean) {
    this.#world = new Surroundings(setup, isTraced);
    this.#oracle = new Oracle(this.#world);
    this.#lock = new SyncLock(this.#tabs, setup.sync === "apart");
    this.#unhandled = unhandled;
    // Before any tab hears of the commit.
    this.#world.records.commits$.subscribe((announcement) => {
      const { writer } = this.#world;
      this.#oracle.records();
      this.#oracle.announced(announcement, writer);
    });
  }

  run({ setup, events }: History): void {
    this.#do(`open ${JSON.stringify(setup)}`, () => {
      for (let index = 0; index < setup.tabs; index++) this.#open(index);
      if (setup.starts === "settled") this.#trackAll();
    });
    for (const event of events) this.#do(describeEvent(event), () => this.#happen(event));
    this.#do("everything works again", () => this.#repair());
    this.#do("quiet", () => this.#checkQuiet());
    this.#do("close", () => this.#close());
  }

  #do(what: string, action: () => void): void {
    this.#world.trace.note(() => what);
    action();
    this.#oracle.records();
    this.#oracle.unsaved();
    for (const { facts } of this.#tabs) this.#oracle.watchers(facts);
    for (const error of this.#unhandled()) this.#world.trace.broken("P8", `unhandled ${describeError(error)}`);
    this.#world.trace.verify();
  }

  #happen(event: Event): void {
    const { clock, server, troubles } = this.#world;
    switch (event.type) {
      case "change":
      case "move":
        return server[event.type](event.user);
      case "pass time":
        return server.passTime();
      case "wait":
        return clock.advance(event.ms);
      case "cancel":
        return this.#tabs[event.which % this.#tabs.length]?.callers.cancel(event.which);
      case "query trouble":
      case "changes trouble":
        return void troubles.push(event);
      default:
        this.#happenIn(this.#tabs[event.tab]!, event);
    }
  }

  #happenIn(tab: Tab, event: EventInTab): void {
    if (event.type === "restart") return this.#restart(tab, event.after);
    if (event.type === "wake") return this.#wake(tab);
    if (tab.isFrozen) return;
    switch (event.type) {
      case "lookup":
        return tab.callers.lookup(event.users, event.force);
      case "known":
      case "watch":
        return tab.callers[event.type](event.users);
      case "track":
        return this.#track(tab, event.users);
      case "untrack":
      case "invalidate":
        return tab.callers.call(event.type, event.users);
      case "take over":
        return this.#lock.steal(tab, event.isLate);
      case "freeze":
        tab.freeze();
        return this.#lock.release(tab);
      case "store trouble":
      case "store outage":
        return this.#disturb(tab, event);
    }
  }

  /**
   * The application tracks users who share a room, once there has been a sync: one of the tab's own, if memory may stand in for its store. While the saved
   * state is loading, another tracker may commit that a user has left whom this application still sees in a room: then it has to be alone.
   */
  #track({ facts, callers }: Tab, users: readonly UserId[]): void {
    const { server, trackers, setup } = this.#world;
    const hasSynced = setup.storeOpensAfter > 0 ? facts.given.length > 0 : facts.upTo !== undefined;
    const isLoaded = facts.tracked.size > 0;
    const isAlone = trackers.every((other) => other === facts || other.state === "gone");
    const sharing = users.filter((user) => server.shares(user));
    if (hasSynced && (isLoaded || isAlone)) callers.call("track", sharing);
  }

  /** A store that fails from the start is replaced by memory, which is not what this is about. */
  #disturb({ store, facts }: Tab, event: Extract<Event, { type: "store trouble" | "store outage" }>): void {
    if (facts.tracked.size === 0) return;
    if (event.type === "store trouble") store.troubles.push(event);
    else {
      store.isDown = true;
      this.#world.clock.schedule(() => (store.isDown = false), event.ms);
    }
  }

  #open(index: number, generation = 0): void {
    const tab = new Tab(`tab ${index}${"'".repeat(generation)}`, this.#world, this.#oracle);
    this.#tabs[index] = tab;
    this.#world.trackers.push(tab.facts);
    this.#lock.request(tab);
    if (this.#world.setup.watches) tab.callers.watch(USERS);
  }

  #restart(tab: Tab, after: "crash" | "crash, still writing" | "close"): void {
    this.#lock.release(tab);
    if (after === "close") {
      tab.close();
      this.#closed.push(tab);
    } else tab.crash(after === "crash, still writing");
    this.#open(this.#tabs.indexOf(tab), tab.facts.name.split("'").length);
  }

  #wake(tab: Tab): void {
    if (!tab.isFrozen) return;
    tab.wake();
    this.#lock.request(tab);
  }

  /** As an application does after its first sync, and whenever a gap could not be closed. */
  #trackAll(): void {
    this.#world.clock.advance(SHORT);
    this.#track(this.#tabs[0]!, USERS);
    this.#world.clock.advance(SHORT);
  }

  /** Every tab syncs once more, one after the other, so that each stream ends with a step that is committed. */
  #repair(): void {
    const { clock, server, setup, troubles } = this.#world;
    troubles.length = 0;
    for (const tab of this.#tabs) {
      tab.store.repair();
      this.#wake(tab);
    }
    clock.advance(LONG);
    for (const tab of this.#tabs) {
      this.#lock.steal(tab, false);
      if (setup.repeatsTokens) server.change(ME);
      else server.passTime();
      clock.advance(SHORT);
    }
  }

  #checkQuiet(): void {
    const { clock, server } = this.#world;
    const quiet = new QuietMoment(this.#world);
    for (const tab of this.#tabs) {
      quiet.tracked(tab, [...this.#oracle.saved.tracked]);
      quiet.mentions(tab);
      quiet.extensions(tab);
      this.#oracle.ledger(tab.facts);
    }
    this.#trackAll();
    clock.advance(LONG);
    for (const tab of this.#tabs) {
      const { facts, callers } = tab;
      quiet.responses(tab);
      quiet.tracked(tab, server.sharing());
      for (const { shown, users } of facts.watchers) {
        quiet.newest(
          facts,
          "a watcher",
          shown,
          users.filter((user) => facts.tracked.has(user)),
        );
      }
      // Twice: the second one fetches what a small memory could not keep and a failing store did not save.
      for (let times = 0; times < 2; times++) {
        callers.lookup(USERS, false, (lists) => quiet.newest(facts, "a lookup", lists, USERS));
        clock.advance(SHORT);
      }
      callers.known(USERS, (lists) => quiet.newest(facts, "known lists", lists, server.sharing()));
      clock.advance(SHORT);
      quiet.nothingIsPending(tab);
    }
  }

  /** P9: after `close()` nothing of a tracker runs. */
  #close(): void {
    const { clock } = this.#world;
    for (const tab of this.#tabs) {
      tab.close();
      this.#closed.push(tab);
    }
    clock.advance(LONG);
    for (const tab of this.#closed) new QuietMoment(this.#world).nothingIsPending(tab);
  }
}

const describeError = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
