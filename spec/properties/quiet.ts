import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import type { SyncResponse } from "../../src/model/wire.js";
import type { Facts } from "./facts.js";
import type { Ledger } from "./ledger.js";
import { NO_DEVICES, readList } from "./server.js";
import type { Surroundings } from "./surroundings.js";
import type { Tab } from "./tab.js";

/** What holds once every request has been answered, every store works, every announcement has arrived, and every tab has synced. */
export class QuietMoment {
  readonly #world: Surroundings;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  /** Nothing is pending but the poll. */
  nothingIsPending({ facts, clock }: Tab): void {
    const { name, lookups, inFlight, pendingNotes } = facts;
    const pendingCalls = [...facts.pendingCalls].filter(({ hasFailed }) => !hasFailed);
    this.#expect(lookups.size === 0, "P5", () => `${name}: a lookup does not end: ${JSON.stringify([...lookups])}`);
    this.#expect(pendingCalls.length === 0, "P5", () => `${name}: calls do not end: ${JSON.stringify(pendingCalls)}`);
    this.#expect(pendingNotes.size === 0, "P5", () => `${name}: notes do not end: ${[...pendingNotes].join()}`);
    this.#expect(inFlight.size === 0, "P9", () => `${name}: queries are in flight: ${JSON.stringify([...inFlight])}`);
    this.#expect(clock.pending === 0, "P9", () => `${name}: ${clock.pending} timers are left`);
  }

  /** Each response of the tab's stream is emitted exactly once on `applied$` and on `synced$`, in order; both emit the same. */
  responses({ facts }: Tab): void {
    const { name, given, applied, synced } = facts;
    const own = applied.filter((response) => given.includes(response));
    this.#expect(show(own) === show(given), "applied$", () => `${name}: ${show(own)} of ${show(given)}`);
    const inOrder = given.length === synced.reduce((n, one) => (given[n] && isSame(one, given[n]) ? n + 1 : n), 0);
    this.#expect(inOrder, "synced$", () => `${name}: ${show(synced)} leaves out some of ${show(given)}`);
    const isEqual = synced.map(keyOf).sort().join() === applied.map(keyOf).sort().join();
    this.#expect(isEqual, "synced$", () => `${name}: applied ${show(applied)}, synced ${show(synced)}`);
  }

  /** `deviceChanges$` has mentioned each tracked user whom the server announced to a tab since this one was loaded, and no caller has untracked. */
  mentions({ facts }: Tab): void {
    const { server, trackers, calls } = this.#world;
    const open = trackers.filter(({ state }) => state === "open");
    const untracked = calls.flatMap(({ type, users }) => (type === "untrack" ? users : []));
    for (const user of [...facts.tracked].filter((one) => !untracked.includes(one))) {
      const last = server.mention(user, 0);
      if (last === undefined) continue;
      const at = server.log.indexOf(last) + 1;
      const isAnnounced = open.some(({ hops }) => hops.some(({ to, changed }) => to >= at && changed.includes(user)));
      // An initial sync announces no user: a step that leads to where it does, or before, is no news after it.
      const isCovered = open.some(({ hops }) => hops.some(({ from, to }) => from === undefined && to >= at));
      const wasLoaded = at <= Math.max(facts.loadedFrom ?? 0, facts.loadedParts.get(user) ?? 0);
      const isHeard = wasLoaded || last.moment < (facts.mentionedAt.get(user) ?? 0);
      this.#expect(
        isHeard || isCovered || !isAnnounced,
        "deviceChanges$",
        () => `${facts.name} did not mention ${user}`,
      );
    }
  }

  /**
   * Extensions of all tabs agree with what is saved: on what does not come from responses, and on where they stand. What
   * a tab has missed in a step of its own that came to nothing stays missed there: it may know less than what is saved.
   */
  extensions({ facts: { name, ledger, notes } }: Tab): void {
    const { saved } = this.#world;
    const [is, should] = [ledger, saved.ledger].map(({ notes }) => [...notes].sort((a, b) => a - b).join());
    this.#expect(is === should, "extensions", () => `${name}: has the notes ${String(is)}, not ${String(should)}`);
    const isKept = [...notes].every((note) => saved.ledger.notes.has(note));
    this.#expect(isKept, "extensions", () => `${name}: not all of the notes ${[...notes].join()} are saved`);
    const { known } = ledger;
    const holds = known === undefined || known.to === (saved.ledger.known?.to ?? saved.position);
    this.#expect(holds, "extensions", () => `${name}: stands on ${known?.to ?? ""}, not ${saved.position ?? ""}`);
    this.#missesNothing(name, ledger);
    this.#missesNothing("saved", saved.ledger);
  }

  /** An extension has read everything, unless a gap was reported, or memory stood in for the store. */
  #missesNothing(name: string, { known }: Ledger): void {
    const { trackers, setup } = this.#world;
    const hasMissed = setup.storeOpensAfter > 0 || trackers.some((tracker) => tracker.hasMissed);
    this.#expect(hasMissed || known?.from === 0, "extensions", () => `${name}: has missed something without a gap`);
  }

  /** Each tab tracks exactly these users. */
  tracked({ facts }: Tab, expected: readonly UserId[]): void {
    const [is, should] = [[...facts.tracked].sort().join(), [...expected].sort().join()];
    this.#expect(is === should, "tracked users", () => `${facts.name}: ${is}, not ${should}`);
    this.#expect(facts.isCaughtUp, "caughtUp$", () => `${facts.name} is not caught up`);
  }

  /** Every list is the newest, and `current` if the user is tracked. */
  newest(facts: Facts, what: string, lists: DeviceKeysByUser | undefined, users: readonly UserId[]): void {
    for (const user of users) {
      const { version } = readList(lists?.get(user)?.deviceKeys ?? NO_DEVICES);
      const newest = this.#world.server.version(user);
      const freshness = lists?.get(user)?.freshness;
      const holds = version === newest && freshness === (facts.tracked.has(user) ? "current" : "untracked");
      this.#expect(holds, what, () => `${facts.name}: ${user} V${version} ${freshness ?? ""}, not V${newest}`);
    }
  }

  #expect(holds: boolean, promise: string, what: () => string): void {
    if (!holds) this.#world.trace.broken(promise, what());
  }
}

const keyOf = ({ since, next_batch: next }: SyncResponse): string => `${String(since)} ${next}`;
const isSame = (one: SyncResponse, other: SyncResponse): boolean => keyOf(one) === keyOf(other);
const show = (responses: readonly SyncResponse[]): string => `[${responses.map(keyOf).join(", ")}]`;
