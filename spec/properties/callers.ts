import type { Subscription } from "rxjs";
import type { DeviceTracker } from "../../src/device-tracker.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import type { Call, Facts, Lookup, Watcher } from "./facts.js";
import type { Oracle } from "./oracle.js";
import { readList } from "./server.js";
import type { Surroundings } from "./surroundings.js";

/** Hands on what a tracker emits, noted in the trace, for as long as the tab is there. */
export type Hear = <T>(what: string, next: (value: T) => void, show?: (value: T) => string) => (value: T) => void;

/** Calls the methods of one tracker, as an application does, and hands every result to the oracle. */
export class Callers {
  readonly #tracker: DeviceTracker;
  readonly #facts: Facts;
  readonly #world: Surroundings;
  readonly #oracle: Oracle;
  readonly #hear: Hear;
  /** Lookups and watchers that can be cancelled. */
  readonly #active = new Set<Subscription>();

  constructor(tracker: DeviceTracker, facts: Facts, world: Surroundings, oracle: Oracle, hear: Hear) {
    this.#tracker = tracker;
    this.#facts = facts;
    this.#world = world;
    this.#oracle = oracle;
    this.#hear = hear;
  }

  lookup(users: readonly UserId[], force: boolean, onResult: (result: DeviceKeysByUser) => void = () => {}): void {
    const { lookups, asked, tracked, appliedTo } = this.#facts;
    const untracked = users.filter((user) => tracked.size > 0 && !tracked.has(user));
    const lookup: Lookup = { users, untracked, force, calledAt: this.#world.moment(), appliedTo };
    lookups.add(lookup);
    for (const user of users) asked.set(user, (asked.get(user) ?? 0) + 1);
    const next = (result: DeviceKeysByUser) => {
      this.#oracle.result(this.#facts, lookup, result);
      onResult(result);
    };
    const caller = this.#tracker
      .getDeviceKeys(users, { forceDownload: force })
      .subscribe({ next: this.#hear("lookup", next, showLists), error: this.#failed("lookup") });
    this.#add(caller, () => lookups.delete(lookup));
  }

  known(users: readonly UserId[], onResult: (result: DeviceKeysByUser) => void = () => {}): void {
    const next = (result: DeviceKeysByUser) => {
      for (const [user, list] of result) this.#oracle.freshness(this.#facts, user, list);
      onResult(result);
    };
    this.#tracker.getKnownDeviceKeys(users).subscribe({
      next: this.#hear("known", next, showLists),
      error: this.#failed("known"),
    });
  }

  watch(users: readonly UserId[]): void {
    const { watchers, watched } = this.#facts;
    const watcher: Watcher = { users, shown: undefined };
    watchers.add(watcher);
    for (const user of users) watched.add(user);
    const next = (result: DeviceKeysByUser) => {
      for (const [user, list] of result) this.#oracle.freshness(this.#facts, user, list);
      watcher.shown = result;
    };
    const caller = this.#tracker.watchDeviceKeys(users).subscribe(this.#hear("watch", next, showLists));
    this.#add(caller, () => watchers.delete(watcher));
  }

  call(type: Call["type"], users: readonly UserId[]): void {
    const { pendingCalls, invalidatedAt, tracked } = this.#facts;
    const calledAt = this.#world.moment();
    if (this.#world.setup.takesNotes) this.#note(calledAt);
    const affected = users.filter((user) => tracked.has(user) === (type !== "track"));
    const call: Call = { type, users, affected, calledAt, position: this.#oracle.saved.position ?? 0 };
    pendingCalls.add(call);
    this.#world.calls.push(call);
    if (type === "invalidate") for (const user of affected) invalidatedAt.set(user, calledAt);
    const completed = this.#hear("completes", () => {
      pendingCalls.delete(call);
      call.completedAt = this.#world.moment();
      if (this.#facts.standsIn === "no") this.#oracle.completed(this.#facts, call);
      else this.#facts.memoryCalls.push(call);
    });
    const failed = this.#failed(type);
    this.#tracker[type](users).subscribe({
      complete: () => completed(type),
      error: (error: unknown) => {
        call.hasFailed = true;
        failed(error);
      },
    });
  }

  #note(note: number): void {
    const { pendingNotes, notes, ledger } = this.#facts;
    pendingNotes.add(note);
    const completed = this.#hear("note", () => {
      pendingNotes.delete(note);
      notes.add(note);
      if (this.#facts.standsIn === "no") this.#oracle.noted(this.#facts, note);
    });
    const failed = this.#failed("note");
    ledger.note(note).subscribe({
      complete: () => completed(note),
      error: (error: unknown) => {
        pendingNotes.delete(note);
        failed(error);
      },
    });
  }

  cancel(which: number): void {
    const active = [...this.#active];
    active[which % active.length]?.unsubscribe();
  }

  #failed(what: string): (error: unknown) => void {
    return this.#hear(what, (error: unknown) => this.#oracle.failure(this.#facts, error), String);
  }

  #add(caller: Subscription, end: () => void): void {
    this.#active.add(caller);
    caller.add(() => {
      this.#active.delete(caller);
      end();
    });
  }
}

const showLists = (lists: DeviceKeysByUser): string =>
  Array.from(
    lists,
    ([user, { deviceKeys, freshness }]) => `${user} V${readList(deviceKeys).version} ${freshness}`,
  ).join();
