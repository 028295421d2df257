import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../../src/model/results.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { readAnnouncement } from "../../src/store/announcement.js";
import type { Call, Facts, Lookup, Query } from "./facts.js";
import type { Ledger } from "./ledger.js";
import { describeState, reachable, type State } from "./hops.js";
import { readSaved, type Saved } from "./saved.js";
import { ME, readList, USERS } from "./server.js";
import type { Surroundings } from "./surroundings.js";

/** The promises that hold at every moment, one method each: compared with the server's log, and with what each tracker has been given. */
export class Oracle {
  readonly #world: Surroundings;
  /** The query that each saved list came with. */
  readonly #savedQueries = new Map<UserId, number>();
  /** The newest position that some `synced$` has emitted. */
  #durable = 0;
  /** Users of calls that have completed, who are not saved as these wanted. */
  readonly #unsaved: [Facts, Call, UserId][] = [];
  /** The furthest position that was ever saved: a gap may lead back from it, and what was said until there stays. */
  #furthest = 0;
  /** When a gap that could not be closed may have been committed last. */
  #lostAt = -1;
  /** The users of long steps who are committed already, while the token is still where the step begins, and where it leads. */
  readonly #partsAt = new Map<number, Map<UserId, number>>();

  constructor(world: Surroundings) {
    this.#world = world;
  }

  /** P1: a list marked `current` has every change that the tracker had been given, and was fetched after the last `invalidate()`. */
  freshness(facts: Facts, user: UserId, { freshness, deviceKeys }: UserDeviceKeys): void {
    if (freshness !== "current") return;
    const list = readList(deviceKeys);
    const given = this.#world.server.version(user, facts.upTo ?? 0);
    const holds = list.version >= given;
    this.#expect(holds, "P1", () => `${facts.name}: ${user} V${list.version} is current, V${given} was given`);
    const query = this.#world.queries[list.query];
    const isNewer = (query?.sentAt ?? 0) > (facts.invalidatedAt.get(user) ?? 0);
    this.#expect(isNewer, "P1", () => `${facts.name}: ${user} is current although invalidated since`);
    if (query !== undefined) this.oneQuery(facts, user, query);
  }

  /** P1: what a watcher shows as `current` has every change that has been applied, at any time. */
  watchers({ name, watchers, appliedTo }: Facts): void {
    for (const [user, list] of [...watchers].flatMap(({ shown }) => [...(shown ?? [])])) {
      const { version } = readList(list.deviceKeys);
      const applied = this.#world.server.version(user, appliedTo);
      const holds = list.freshness !== "current" || version >= applied;
      this.#expect(holds, "P1", () => `${name} shows ${user} V${version} as current, V${applied} was applied`);
    }
  }

  /** P2: a second query for a user is sent only if the first one has been superseded, and then the first answer is not `current`. */
  oneQuery({ name, queries }: Facts, user: UserId, current: Query): void {
    const { id, sentAt, answeredAt = 0 } = current;
    const isBeside = (other: Query) => other.sentAt > sentAt && other.sentAt < answeredAt && other.users.includes(user);
    const second = queries.includes(current) ? queries.find(isBeside) : undefined;
    this.#expect(second === undefined, "P2", () => `${name}: query ${second?.id ?? ""} for ${user} beside query ${id}`);
  }

  /** P5: no more queries for a user than lookups that asked for them. Watchers ask of their own accord. */
  askedFor(facts: Facts, { users }: Query): void {
    for (const user of users.filter((one) => !facts.watched.has(one))) {
      const sent = facts.queries.filter((query) => query.users.includes(user)).length;
      const asked = facts.asked.get(user) ?? 0;
      this.#expect(sent <= asked, "P5", () => `${facts.name}: ${sent} queries for ${user}, ${asked} lookups`);
    }
  }

  /**
   * P1, P5: one entry for each user, in the order asked. What is not from a cache is not older than the question, and a caller who comes after the change
   * of a tracked user does not get the answer of a query that was sent before it.
   */
  result(facts: Facts, lookup: Lookup, result: DeviceKeysByUser): void {
    const { users, untracked, force, calledAt, appliedTo } = lookup;
    const names = [...result.keys()].join();
    this.#expect(names === users.join(), "P5", () => `${facts.name}: lists of ${names}, not of ${users.join()}`);
    for (const [user, list] of result) {
      this.freshness(facts, user, list);
      if (list.freshness === "unreachable") this.unreachable(facts, lookup, user, list);
      const isUntracked = list.freshness === "untracked" && untracked.includes(user);
      const mustBeNew = isUntracked || (force && list.freshness === "current");
      const { sentAt = 0, answeredAt = 0 } = this.#world.queries[readList(list.deviceKeys).query] ?? {};
      const holds = !mustBeNew || answeredAt > calledAt;
      this.#expect(holds, "P5", () => `${facts.name}: the list of ${user} is older than the question`);
      const changedAt = this.#world.server.mention(user, 0, appliedTo)?.moment ?? 0;
      const isAfter = untracked.includes(user) || list.freshness === "unreachable" || sentAt > changedAt;
      this.#expect(isAfter, "P1", () => `${facts.name}: the list of ${user} was queried before the last change`);
    }
  }

  /**
   * A user is unreachable only if a query for them was answered after the question, or without `forceDownload` if there is a last list, which comes with
   * the status of each of its devices.
   */
  unreachable({ name, queries }: Facts, { force, calledAt }: Lookup, user: UserId, list: UserDeviceKeys): void {
    const isAnswer = ({ users, answeredAt = 0 }: Query) => users.includes(user) && answeredAt > calledAt;
    const { lastKnown, deviceKeys, deviceStatus } = list;
    const isWaitedFor = queries.some(isAnswer);
    this.#expect(isWaitedFor || (!force && lastKnown !== undefined), "P5", () => `${name} did not wait for ${user}`);
    const isConsistent = deviceKeys.size === 0 && [...(lastKnown ?? [])].every(([id]) => deviceStatus.has(id));
    this.#expect(isConsistent, "unreachable", () => `${name}: ${user} has devices without a status`);
  }

  /** P5: a lookup fails only with the error of its request, or because the tracker is closed. */
  failure({ name: tab, state }: Facts, error: unknown): void {
    const name = error instanceof Error ? error.name : "";
    const isClosed = state === "closed" && name === "TrackerClosedError";
    this.#expect(isClosed || this.#world.expectedErrors.has(name), "P5", () => `${tab} failed: ${String(error)}`);
  }

  /** The records as they are now. */
  get saved(): Saved {
    this.records();
    return this.#world.saved;
  }

  /** Checks what was written since the last time: after each write, before any other tracker hears of it. */
  records(): void {
    const { writer, records, server, trace, saved: before } = this.#world;
    if (writer === undefined) return;
    const saved = readSaved(records, server);
    Object.assign(this.#world, { writer: undefined, saved });
    this.#furthest = Math.max(this.#furthest, saved.position ?? 0);
    trace.note(() => `  saved by ${writer.name}: ${describeState(saved)}`);
    this.savedLists(saved);
    this.savedUsers(saved);
    this.commit(writer, before, saved);
    this.tokenStays(saved);
    this.savedLedger(saved);
    if (writer.standsIn === "adopting")
      Object.assign(writer, { standsIn: "no", memoryCalls: [], loadedFrom: saved.position });
  }

  /** P3, P4: a list that is saved, and one that is `current` whenever it was saved, has every change up to the saved token. */
  savedLists({ position = 0, lists }: Saved): void {
    for (const [user, { freshness, deviceKeys }] of lists) {
      const { version, query } = readList(deviceKeys);
      const isNew = query !== this.#savedQueries.get(user);
      this.#savedQueries.set(user, query);
      const needed = isNew || freshness === "current" ? this.#world.server.version(user, position) : 0;
      const what = () => `saved${isNew ? " now" : ""}: ${user} V${version} is ${freshness}, V${needed} at ${position}`;
      this.#expect(version >= needed, isNew ? "P3" : "P4", what);
    }
  }

  /** P4: a tracked user shares a room with us, or the server has yet to say that they do not. P6: our own user is tracked. */
  savedUsers({ position = 0, tracked }: Saved): void {
    const { server } = this.#world;
    for (const user of tracked) {
      const holds = server.shares(user, position) || server.mention(user, position) !== undefined;
      this.#expect(holds, "P4", () => `saved: ${user} is tracked for good, who left before position ${position}`);
    }
    this.#expect(tracked.has(ME), "P6", () => "saved: our own user is not tracked");
  }

  /**
   * P4: the saved users change by what the committing tracker learned of the log between the two tokens, and by pending calls; and by what memory was given
   * that stood in for the store, and what it was asked.
   */
  commit({ name, hops, pendingCalls, memoryCalls, standsIn }: Facts, before: Saved, after: Saved): void {
    const isCalled = (user: UserId) => {
      const wanted = after.tracked.has(user) ? "track" : "untrack";
      if (standsIn === "adopting" && wanted === "track" && hops.some(({ changed }) => changed.includes(user)))
        return true;
      return [...pendingCalls, ...memoryCalls].some(({ type, users }) => type === wanted && users.includes(user));
    };
    // A later part of a long step leaves the users of those before it as they are.
    const isDone = (user: UserId) =>
      before.tracked.has(user) === after.tracked.has(user) &&
      this.#partsAt.get(before.position ?? -1)?.has(user) === true;
    const isAfter = ({ position, tracked }: State) =>
      position === after.position &&
      USERS.every((user) => tracked.has(user) === after.tracked.has(user) || isCalled(user) || isDone(user));
    if (hops.some(({ unknown }) => unknown)) this.#lostAt = this.#world.moment();
    const holds = reachable(before, hops).some(isAfter);
    this.#expect(holds, "P4", () => `${name} saved ${describeState(after)} after ${describeState(before)}`);
  }

  /** Notes which parts of long steps a tab has committed, once they have been checked. */
  announced(announcement: unknown, writer: Facts | undefined): void {
    const news = readAnnouncement(announcement)?.news ?? [];
    for (const { change } of news.flatMap((one) => (one.type === "commits" ? one.commits : []))) {
      if (change.type !== "step" || change.since === undefined || change.since !== change.next) continue;
      const position = this.#world.server.positionOf(change.since);
      const parts = this.#partsAt.get(position) ?? new Map<UserId, number>();
      this.#partsAt.set(position, parts);
      for (const user of [...change.changed, ...change.left]) {
        const hop = writer?.hops.findLast(
          ({ from, changed, left }) => from === position && [...changed, ...left].includes(user),
        );
        parts.set(user, Math.max(hop?.to ?? position, parts.get(user) ?? 0));
      }
    }
  }

  /** How far the saved state goes for users of a long step that is saved in part, beyond the saved position. */
  get savedParts(): ReadonlyMap<UserId, number> {
    return this.#partsAt.get(this.saved.position ?? -1) ?? new Map<UserId, number>();
  }

  /**
   * P4: what `synced$` has emitted stays saved, as long as all responses are in one line. If a stream is behind another one, the token may go back to
   * where it is: of two tokens, no client knows which is the newer one.
   */
  tokenStays({ position = 0 }: Saved): void {
    const holds = position >= this.#durable || !this.#world.isOneLine;
    this.#expect(holds, "P4", () => `the token is back at ${position}, before ${this.#durable}`);
  }

  /** A step is durable when `synced$` emits it; in one line, as above. */
  synced(facts: Facts, response: SyncResponse): void {
    if (facts.standsIn !== "no") return; // it is not: nothing is kept beyond the page
    const { position = -1 } = this.saved;
    const to = this.#world.server.positionOf(response.next_batch);
    this.#durable = Math.max(this.#durable, to);
    const holds = position >= to || !this.#world.isOneLine;
    this.#expect(holds, "synced$", () => `${facts.name}: ${to} was emitted, ${position} is saved`);
  }

  /**
   * Extensions: memory has applied what leads to the token, without interruption, before anything is emitted; or it
   * knows that it has missed something.
   */
  ledger({ name, ledger }: Facts): void {
    this.#isWhole(name, ledger, ledger.token);
  }

  /** Extensions: what is saved of them leads to the saved token, always. */
  savedLedger({ position, ledger }: Saved): void {
    this.#isWhole("saved", ledger, position === undefined ? undefined : this.#world.server.token(position));
  }

  #isWhole(name: string, { known, hole }: Ledger, token: string | undefined): void {
    const { server } = this.#world;
    this.#expect(hole === undefined, "extensions", () => `${name}: ${String(hole)}`);
    const holds = known === undefined || token === undefined || server.token(known.to) === token;
    this.#expect(holds, "extensions", () => `${name}: stands on ${known?.to ?? ""}, the token is ${String(token)}`);
  }

  /** Extensions: an event that does not come from a response is durable when its commit completes. */
  noted({ name }: Facts, note: number): void {
    this.#expect(this.saved.ledger.notes.has(note), "extensions", () => `${name}: the note ${note} is not saved`);
  }

  /** `trackedUsers$` never emits the same set twice in a row, and never one without our own user. */
  trackedUsers(facts: Facts, users: ReadonlySet<UserId>): void {
    const isNew = facts.tracked.size !== users.size || [...users].some((user) => !facts.tracked.has(user));
    this.#expect(isNew, "trackedUsers$", () => `${facts.name}: ${[...users].join()} twice in a row`);
    this.#expect(users.has(ME), "P6", () => `${facts.name}: our own user is not tracked`);
  }

  /** `caughtUp$` emits after the first response, of this tab's own stream or another's. */
  caughtUp({ name }: Facts): void {
    const holds = this.#world.trackers.some(({ given }) => given.length > 0);
    this.#expect(holds, "caughtUp$", () => `${name} is caught up with no response`);
  }

  /** `track()`, `untrack()` and `invalidate()` complete when they are durable; a later call or step may have changed the user again. */
  completed(facts: Facts, call: Call): void {
    const { type, affected, calledAt, position } = call;
    const { saved } = this;
    const { server, calls, queries } = this.#world;
    const { savedParts } = this;
    const at = (user: UserId) => Math.max(saved.position ?? 0, savedParts.get(user) ?? 0);
    const isUndone = (user: UserId, by: Call["type"]) =>
      calls.some((call) => call.type === by && call.users.includes(user) && (call.completedAt ?? Infinity) > calledAt);
    const mayBeUntracked = (user: UserId) =>
      !server.shares(user, at(user)) || server.mention(user, at(user)) !== undefined || this.#lostAt > calledAt;
    const isTracked = (user: UserId) => saved.tracked.has(user);
    const isDurable = {
      track: (user: UserId) => isTracked(user) || mayBeUntracked(user) || isUndone(user, "untrack"),
      untrack: (user: UserId) =>
        !isTracked(user) ||
        user === ME ||
        server.mention(user, position, Math.max(this.#furthest, at(user))) !== undefined ||
        isUndone(user, "track"),
      invalidate: (user: UserId) => {
        const list = saved.lists.get(user);
        return list?.freshness !== "current" || (queries[readList(list.deviceKeys).query]?.sentAt ?? 0) > calledAt;
      },
    }[type];
    for (const user of affected) if (!isDurable(user)) this.#unsaved.push([facts, call, user]);
  }

  /** A tab that cannot learn who left tracks none of the users of a `track()`, and reports it. */
  unsaved(): void {
    for (const [{ lostAt }, { type, calledAt }, user] of this.#unsaved.splice(0))
      this.#expect(type === "track" && lostAt > calledAt, type, () => `${user} is not saved so`);
  }

  /** P9: close() ends lookups, watchers, calls, requests and streams at once. */
  closed(
    { name, lookups, watchers, inFlight, pendingCalls, pendingNotes }: Facts,
    openStreams: ReadonlySet<string>,
  ): void {
    const calls = [...pendingCalls].filter(({ hasFailed }) => !hasFailed);
    const open = [...lookups, ...watchers, ...inFlight, ...calls, ...pendingNotes, ...openStreams];
    this.#expect(open.length === 0, "P9", () => `${name} is closed, and open are ${JSON.stringify(open)}`);
  }

  #expect(holds: boolean, promise: string, what: () => string): void {
    if (!holds) this.#world.trace.broken(promise, what());
  }
}
