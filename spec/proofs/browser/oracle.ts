import type { UserId } from "../../../src/model/ids.js";
import type { Listed, NumberedEvent, Saved } from "./page-events.js";
import { describe, type TabRecord } from "./tab-record.js";
import { ALL_USERS, OWN_USER, type Truth } from "./truth.js";

/** The promises, compared with the truth at every event of a page, after a restart, and when all is quiet. */
export class Oracle {
  /** Promises that were broken. */
  readonly breaches: string[] = [];
  readonly #truth: Truth;

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  /** Takes an event of a page, unless it was reported before. */
  receive([number, event]: NumberedEvent, tab: TabRecord): void {
    if (number <= tab.lastEvent) return;
    tab.lastEvent = number;
    const text = describe(event);
    if (text !== undefined) tab.note(text);
    switch (event.type) {
      case "started":
        tab.restart();
        break;
      case "asleep":
        tab.isAsleep = true;
        break;
      case "awake": // everything that happened before it has been reported by now
        this.#expect(
          tab.openTransactions === 0,
          tab,
          () => `slept with ${tab.openTransactions} open transactions, which block all other tabs`,
        );
        tab.wakes++;
        tab.isAsleep = false;
        break;
      case "given":
        this.#expect(!tab.isAsleep, tab, () => `a sleeping tab was given ${event.token}`);
        tab.unapplied.push(event.token);
        this.#given(event.token, tab);
        break;
      case "applied":
        if (event.isOwn) {
          const next = tab.unapplied.shift();
          this.#expect(next === event.token, tab, () => `applied$: ${event.token} instead of ${next ?? "nothing"}`);
        }
        this.#given(event.token, tab);
        break;
      case "announced":
        this.#given(event.token, tab);
        break;
      case "synced":
        tab.synced = Math.max(tab.synced, this.#truth.positionOf(event.token));
        break;
      case "tracked":
        this.#tracked(event.users, tab);
        break;
      case "watched":
        tab.watched = event.users;
        for (const listed of event.users) this.#freshness(listed, tab);
        break;
      case "lookup":
        break;
      case "answered":
        tab.lookups++;
        tab.current += event.users.filter(([, freshness]) => freshness === "current").length;
        for (const listed of event.users) this.#freshness(listed, tab);
        tab.settle(event.id, event.users);
        break;
      case "failed":
        this.#broken(tab, `a lookup failed: ${event.message}`);
        tab.settle(event.id, undefined);
        break;
      case "transactions": {
        const begins = event.open > tab.openTransactions;
        this.#expect(
          !tab.isAsleep || !begins,
          tab,
          () => "a sleeping tab began a transaction, which blocks all others",
        );
        tab.openTransactions = event.open;
        break;
      }
      case "problem":
        tab.problems.set(event.problem, (tab.problems.get(event.problem) ?? 0) + 1);
        // Take-overs open gaps, and the server always returns the changes in them. Nothing else goes wrong.
        this.#expect(event.isClosedGap, tab, () => `${event.problem}: ${event.message}`);
        break;
      case "poll failed":
        tab.problems.set(event.type, (tab.problems.get(event.type) ?? 0) + 1);
        break;
      case "error":
        this.#broken(tab, event.message);
        break;
    }
  }

  /**
   * P4, after a restart: nothing durable is lost, the tracked users are exactly those announced up to the saved token, and no list is
   * current that is older than that.
   *
   * @param durable the greatest position that a former life has called durable
   */
  saved({ token, tracked, lists }: Saved, durable: number, tab: TabRecord): void {
    const position = token === undefined ? 0 : this.#truth.positionOf(token);
    this.#expect(position >= durable, tab, () => `P4: s${durable} was durable, and ${token ?? "no token"} is saved`);
    this.#isSame(tracked, this.#truth.sharing(position), tab, `P4: saved at s${position}`);
    tab.given = Math.max(tab.given, position);
    for (const listed of lists) this.#freshness(listed, tab);
  }

  /** When all is quiet, each tab knows everything: exactly the users who share a room with us, and everyone's newest list. */
  quiet(results: readonly Listed[] | undefined, tab: TabRecord): void {
    const sharing = this.#truth.sharing();
    this.#isSame(tab.tracked ?? [], sharing, tab, "quiet: trackedUsers$");
    this.#isSame(results?.map(([user]) => user) ?? [], ALL_USERS, tab, "quiet: a lookup");
    this.#expect(tab.unapplied.length === 0, tab, () => `applied$ did not emit ${tab.unapplied.join()}`);
    for (const [user, freshness, devices] of results ?? []) {
      const isShared = sharing.includes(user);
      const newest = this.#truth.versionOf(user, this.#truth.devices(user));
      const holds =
        freshness === (isShared ? "current" : "untracked") && this.#truth.versionOf(user, devices) === newest;
      this.#expect(holds, tab, () => `quiet: ${this.#show([user, freshness, devices])}, not V${newest}`);
    }
    for (const [user, freshness, devices] of tab.watched ?? []) {
      if (!sharing.includes(user)) continue; // their lists are not followed any more
      const newest = this.#truth.versionOf(user, this.#truth.devices(user));
      const holds = freshness === "current" && this.#truth.versionOf(user, devices) === newest;
      this.#expect(
        holds,
        tab,
        () => `quiet: a watcher shows ${this.#show([user, freshness, devices])}, not V${newest}`,
      );
    }
  }

  /** P1: a list that is `current` is at least as new as every change that the tracker has been given. */
  #freshness([user, freshness, devices]: Listed, tab: TabRecord): void {
    const version = this.#truth.versionOf(user, devices);
    const isKnown = version !== undefined || devices.length === 0;
    this.#expect(isKnown, tab, () => `${user} never had the devices [${devices.join(" ")}]`);
    if (freshness !== "current") return;
    const announced = this.#truth.announced(user, tab.given);
    if (announced === undefined) return;
    const holds = (version ?? 0) >= announced.version;
    const what = () =>
      `P1: ${this.#show([user, freshness, devices])}, V${announced.version} was announced at ${announced.at}, given up to ${tab.given}`;
    this.#expect(holds, tab, what);
  }

  #given(token: string, tab: TabRecord): void {
    tab.given = Math.max(tab.given, this.#truth.positionOf(token));
  }

  #tracked(users: readonly UserId[], tab: TabRecord): void {
    this.#expect(users.includes(OWN_USER), tab, () => "P6: our own user is not tracked");
    const isAgain = tab.tracked?.length === users.length && users.every((user) => tab.tracked?.includes(user));
    this.#expect(!isAgain, tab, () => "trackedUsers$ emitted the same set again");
    tab.tracked = users;
  }

  #isSame(is: readonly UserId[], should: readonly UserId[], tab: TabRecord, what: string): void {
    const surplus = is.filter((user) => !should.includes(user));
    const missing = should.filter((user) => !is.includes(user));
    const holds = surplus.length + missing.length === 0;
    this.#expect(holds, tab, () => `${what} has too many [${surplus.join(" ")}] and misses [${missing.join(" ")}]`);
  }

  #show([user, freshness, devices]: Listed): string {
    return `${user} is ${freshness} with V${this.#truth.versionOf(user, devices) ?? "?"}`;
  }

  #expect(holds: boolean, tab: TabRecord, what: () => string): void {
    if (!holds) this.#broken(tab, what());
  }

  #broken(tab: TabRecord, what: string): void {
    this.breaches.push(`${tab.name}: ${what}`);
    tab.note(what);
  }
}
