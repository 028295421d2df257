import { catchError, defer, forkJoin, map, of, type Observable } from "rxjs";
import { MAX_RECORDS_PER_TRANSACTION } from "../model/batch-sizes.js";
import type { CountActivity } from "../model/activity.js";
import { StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { inPartsOf } from "../model/in-parts.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceUpdate } from "../model/updates.js";
import type { News } from "../store/announcement.js";
import type { Chain } from "../store/chain.js";
import { listKey, OWN_IDENTITY, readOwnIdentity } from "../store/records.js";
import type { Tracking } from "../sync/tracking.js";
import { emptyList, sameDeviceList, type DeviceList } from "../trust/device-list.js";
import { NO_PINS, type Pins } from "../trust/pins.js";
import { deviceUpdate } from "./device-update.js";
import type { CachedList } from "./list-cache.js";
import type { ListMemory } from "./list-memory.js";
import type { OwnIdentityWatch } from "./own-identity-watch.js";
import {
  isWritten,
  saveKeys,
  saveLists,
  savePins,
  type ListToSave,
  type OwnAccount,
  type SaveOutcome,
} from "./save-lists.js";
import type { UnsavedPins } from "./unsaved-pins.js";

export interface DecidedList {
  readonly list: DeviceList;
  /**
   * True if it must not be called current: the store knows of another change, or it could not be compared with the
   * pins.
   */
  readonly refused: boolean;
  readonly cached: CachedList | undefined;
}

interface Decided {
  readonly outcomes: ReadonlyMap<UserId, SaveOutcome>;
  /** Users whose lists are returned as superseded and not cached. */
  readonly uncached: ReadonlySet<UserId>;
  /** What is saved of our own identity, if the store took the lists. */
  readonly durable?: { readonly ourKey: string | undefined };
}

export interface ListSaverPorts {
  readonly own: OwnAccount;
  readonly chain: Chain;
  readonly tracking: Tracking;
  readonly memory: ListMemory;
  readonly unsaved: UnsavedPins;
  readonly ownIdentity: OwnIdentityWatch;
  readonly updated: (update: DeviceUpdate) => void;
  readonly report: (problem: TrackerProblem) => void;
  readonly count: CountActivity;
}

const NO_USERS: ReadonlySet<UserId> = new Set();

export class ListSaver {
  readonly #ports: ListSaverPorts;

  constructor(ports: ListSaverPorts) {
    this.#ports = ports;
  }

  /**
   * Compares lists with the pins, saves those that no change has overtaken, and caches them. Emits all of them once all
   * are decided.
   *
   * The writes are queued at subscription, in several transactions if one would miss its deadline. If the store fails,
   * no list is refused: memory keeps the lists and what they pin, and the failure is reported.
   */
  save(lists: ReadonlyMap<UserId, ListToSave>): Observable<ReadonlyMap<UserId, DecidedList>> {
    return defer(() => {
      const same = this.#sameAsSaved(lists);
      // Our own list comes first: our own identity decides about the others, in whichever transaction they are.
      const { ownUserId } = this.#ports.own;
      const ours = lists.get(ownUserId);
      const ordered = ours === undefined ? lists : new Map([[ownUserId, ours], ...lists]);
      const others = Array.from(ordered).filter(([userId]) => !same.has(userId));
      const undecided = new Set(others.map(([userId]) => userId));
      const parts = partsOf(others, this.#ports.chain.devicesAtATime).map((part) =>
        this.#savePart(new Map(part), undecided),
      );
      if (same.size > 0 || parts.length === 0)
        parts.push(of(this.#conclude(lists, { outcomes: same, uncached: NO_USERS, durable: this.#ports.memory })));
      return forkJoin(parts).pipe(map((saved) => new Map(saved.flatMap((part) => [...part]))));
    });
  }

  /**
   * Saves pins of lists that could not be compared with the store's. If that fails, they are saved with their user's
   * next list.
   */
  savePins(pins: ReadonlyMap<UserId, Pins>): void {
    const { chain, unsaved } = this.#ports;
    unsaved.add(pins);
    for (const userIds of inPartsOf(MAX_RECORDS_PER_TRANSACTION, [...pins.keys()])) {
      const saved$ = chain.write({
        keys: userIds.map(listKey),
        prepare: () => {
          const current = new Map(userIds.map((userId) => [userId, unsaved.get(userId) ?? NO_PINS]));
          return (records) => {
            savePins(records, current);
            return { result: undefined };
          };
        },
      });
      saved$.subscribe({ next: () => unsaved.saved(userIds), error: () => {} });
    }
  }

  /** @param undecided the call's users without a result yet: if a transaction fails, so do those that wait after it */
  #savePart(
    lists: ReadonlyMap<UserId, ListToSave>,
    undecided: Set<UserId>,
  ): Observable<ReadonlyMap<UserId, DecidedList>> {
    const { chain, own } = this.#ports;
    const saved$ = chain.write({
      keys: saveKeys(lists.keys()),
      devices: Array.from(lists.values()).reduce((devices, one) => devices + devicesOf(one), 0),
      prepare: () => {
        const current = this.#current(lists);
        return (records, base) => {
          const outcomes = saveLists(records, base, current, own);
          return {
            result: { outcomes, ourKey: readOwnIdentity(records.get(OWN_IDENTITY))?.userSigningKey },
            announce: toNews(outcomes, current),
          };
        };
      },
    });
    return saved$.pipe(
      map(({ outcomes, ourKey }): Decided => {
        this.#ports.unsaved.saved(lists.keys());
        for (const userId of lists.keys()) undecided.delete(userId);
        return { outcomes, uncached: NO_USERS, durable: { ourKey } };
      }),
      catchError((error: unknown) => this.#decideInMemory(lists, error, undecided)),
      map((decided) => this.#conclude(lists, decided)),
    );
  }

  #conclude(lists: ReadonlyMap<UserId, ListToSave>, decided: Decided): ReadonlyMap<UserId, DecidedList> {
    const listed = this.#take(lists, decided);
    const { outcomes, uncached } = decided;
    const isRefused = (userId: UserId, { state }: SaveOutcome) =>
      uncached.has(userId) || state === "refused" || (state === "pinned" && lists.get(userId)?.revision !== undefined);
    return new Map(
      Array.from(outcomes, ([userId, outcome]) => [
        userId,
        { list: outcome.list, refused: isRefused(userId, outcome), cached: listed.get(userId) },
      ]),
    );
  }

  /**
   * Returns outcomes of lists that repeat those in memory, if the store has them with the same pins at the same
   * revisions. They have already been compared with the pins, so nothing would be written, and the store need not be
   * asked.
   */
  #sameAsSaved(lists: ReadonlyMap<UserId, ListToSave>): ReadonlyMap<UserId, SaveOutcome> {
    const outcomes = new Map<UserId, SaveOutcome>();
    for (const [userId, toSave] of lists) {
      const outcome = this.#sameOutcome(userId, toSave);
      if (outcome !== undefined) outcomes.set(userId, outcome);
    }
    return outcomes;
  }

  #sameOutcome(
    userId: UserId,
    { list: { fetchedAt, identity }, repeats, revision }: ListToSave,
  ): SaveOutcome | undefined {
    const { own, tracking, memory, unsaved } = this.#ports;
    if (repeats === undefined || revision === undefined || revision.doubted === true) return undefined;
    if (tracking.get(userId)?.revision !== revision) return undefined;
    const cached = memory.cached(userId, revision);
    if (cached?.list !== repeats || cached.beside.isSaved !== true || unsaved.get(userId) !== undefined)
      return undefined;
    const { pins } = cached.beside;
    // If it depends on our own identity, only the store can decide.
    if (pins === undefined || userId === own.ownUserId || identity.signedBy.length > 0) return undefined;
    const list = { ...repeats, fetchedAt };
    return { list, pins, before: repeats, state: "saved", pinsDamaged: false, pinsReplaced: false, isSame: true };
  }

  /**
   * Updates the lists as their transaction begins: a user may have changed in memory since the save was queued, and an
   * earlier save may have failed.
   */
  #current(lists: ReadonlyMap<UserId, ListToSave>): ReadonlyMap<UserId, ListToSave> {
    const { tracking, unsaved } = this.#ports;
    return new Map(
      Array.from(lists, ([userId, one]) => {
        const isCurrent = one.revision !== undefined && tracking.get(userId)?.revision === one.revision;
        return [userId, { ...one, revision: isCurrent ? one.revision : undefined, pinned: unsaved.get(userId) }];
      }),
    );
  }

  /** Decides without the store, which failed. If it was cleared, lists are returned as superseded. */
  #decideInMemory(lists: ReadonlyMap<UserId, ListToSave>, error: unknown, undecided: Set<UserId>): Observable<Decided> {
    const { unsaved, tracking } = this.#ports;
    const userIds = [...lists.keys()];
    const isCleared = error instanceof StoreClearedError;
    if (!isCleared) this.#reportFailed(undecided, error);
    const inMemory = unsaved.decide(lists, new Map()); // later lists must find what this one pinned
    if (isCleared) return of({ outcomes: inMemory, uncached: new Set(userIds) });
    return unsaved.read(userIds).pipe(
      map((read): Decided => {
        const isCached = (userId: UserId, { list, revision }: ListToSave) =>
          (read.has(userId) || unsaved.covers(userId, list)) &&
          (revision === undefined || tracking.get(userId)?.revision === revision);
        const uncached = new Set(Array.from(lists).flatMap(([userId, one]) => (isCached(userId, one) ? [] : [userId])));
        return { outcomes: unsaved.decide(lists, read), uncached };
      }),
    );
  }

  #take(
    lists: ReadonlyMap<UserId, ListToSave>,
    { outcomes, uncached, durable }: Decided,
  ): ReadonlyMap<UserId, CachedList> {
    const { own, chain, tracking, memory, ownIdentity, updated } = this.#ports;
    let isBehind = false;
    const listed = new Map<UserId, CachedList>();
    const unreported = new Map<UserId, DeviceList>();
    for (const [userId, { list, pins, before, state, isOther }] of outcomes) {
      if (userId === own.ownUserId) ownIdentity.look(list);
      const revision = lists.get(userId)?.revision;
      // The store knows of a change, and memory still does not: its announcement was lost.
      if (state === "refused" && revision !== undefined && tracking.get(userId)?.revision === revision) isBehind = true;
      if (revision === undefined || state !== "saved" || uncached.has(userId)) continue;
      const last = memory.last(userId);
      const reported = last?.beside.reported;
      if (reported !== undefined && before !== undefined && last !== undefined && sameDeviceList(before, last.list))
        unreported.set(userId, reported);
      if (tracking.get(userId)?.revision === revision) {
        const beside =
          durable === undefined
            ? { reported: reported ?? this.#savedBefore(userId) }
            : { pins, ...(isOther !== true && { isSaved: true as const }) };
        listed.set(userId, memory.keep(userId, list, revision, beside));
      }
    }
    if (durable !== undefined) memory.checkOurKey(durable.ourKey);
    const refused = Array.from(outcomes.values()).filter(({ state }) => state === "refused").length;
    if (refused > 0) this.#ports.count({ refused });
    this.#reportDamage(outcomes);
    this.#reportReplaced(outcomes);
    memory.listed(listed);
    if (isBehind) chain.catchUp();
    if (durable === undefined) return listed;
    tracking.saved(Array.from(outcomes).flatMap(([userId, { state }]) => (state === "saved" ? [userId] : [])));
    for (const [userId, { list, update }] of outcomes) {
      // A save that failed may have taken effect, and what it changed was not reported.
      const before = unreported.get(userId);
      const change = before === undefined ? update : deviceUpdate(userId, before, list, memory.ourKey);
      if (change !== undefined) updated(change);
    }
    return listed;
  }

  /** Returns the list that was saved before one that could not be saved; an empty one if the user had none. */
  #savedBefore(userId: UserId): DeviceList | undefined {
    const { memory, tracking } = this.#ports;
    return memory.last(userId)?.list ?? (tracking.get(userId)?.hasList === false ? emptyList(0) : undefined);
  }

  /** Reports once, however many transactions there are. */
  #reportFailed(undecided: Set<UserId>, error: unknown): void {
    const userIds = [...undecided];
    if (userIds.length === 0) return;
    undecided.clear();
    const message =
      `the device lists of ${userIds.length} user(s) could not be saved; ` +
      "memory keeps them until the page is closed";
    this.#ports.report({ type: "save-failed", userIds, error, message });
  }

  #reportDamage(outcomes: ReadonlyMap<UserId, SaveOutcome>): void {
    const ids = Array.from(outcomes).flatMap(([userId, { pinsDamaged }]) => (pinsDamaged ? [userId] : []));
    if (ids.length === 0) return;
    const message =
      `the keys first seen of ${ids.length} user(s) cannot be read; ` +
      "those of their saved lists stand in for them, and identities are unknown until they are acknowledged";
    this.#ports.report({ type: "records-damaged", kind: "pins", ids, message });
  }

  #reportReplaced(outcomes: ReadonlyMap<UserId, SaveOutcome>): void {
    const userIds = Array.from(outcomes).flatMap(([userId, { pinsReplaced }]) => (pinsReplaced ? [userId] : []));
    if (userIds.length === 0) return;
    const message =
      `while the store failed, keys of ${userIds.length} user(s) were shown as unchanged that are not the ones ` +
      "pinned in the store; those in the store count";
    this.#ports.report({ type: "pins-replaced", userIds, message });
  }
}

/** Splits lists such that no transaction misses its deadline, and none keeps the page busy for long. */
function partsOf(lists: readonly (readonly [UserId, ListToSave])[], devicesAtATime: number): readonly (typeof lists)[] {
  const parts: (readonly [UserId, ListToSave])[][] = [];
  let room = 0;
  for (const one of lists) {
    const devices = devicesOf(one[1]);
    const last = parts.at(-1);
    if (last !== undefined && devices <= room && last.length < MAX_RECORDS_PER_TRANSACTION) last.push(one);
    else {
      parts.push([one]);
      room = devicesAtATime;
    }
    room -= devices;
  }
  return parts;
}

const devicesOf = ({ list }: ListToSave): number => list.deviceKeys.size;

function toNews(outcomes: ReadonlyMap<UserId, SaveOutcome>, lists: ReadonlyMap<UserId, ListToSave>): readonly News[] {
  const saved = Array.from(outcomes).filter(([, outcome]) => isWritten(outcome));
  if (saved.length === 0) return [];
  const numbers = saved.map(([userId]) => [userId, lists.get(userId)?.revision?.number ?? 0] as const);
  return [{ type: "saved", lists: numbers, updates: saved.flatMap(([, { update }]) => update ?? []) }];
}
