import { catchError, map, of, timeout, type Observable, type SchedulerLike } from "rxjs";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceStore } from "../store/device-store.js";
import { listKey, OWNER, readOwner, type OwnerRecord } from "../store/records.js";
import type { DeviceList } from "../trust/device-list.js";
import { applyPins } from "../trust/apply-pins.js";
import { mergePins } from "../trust/merge-pins.js";
import { LOST_PINS, NO_PINS, pinsOf, type Pins } from "../trust/pins.js";
import type { ListMemory } from "./list-memory.js";
import { readListRecord } from "./list-record.js";
import type { PendingEdits } from "./pending-edits.js";
import type { ListToSave, OwnAccount, SaveOutcome } from "./save-lists.js";

/** How long to wait for pins from a store that accepts no writes, in ms: a lookup waits for them. */
const PINS_PATIENCE = 1_000;

const NO_SAVED_PINS: ReadonlyMap<UserId, Pins> = new Map();

/**
 * Stands in for the store while it accepts no writes: lists are compared with the pins that memory knows and those that
 * can still be read. What they pin is kept until the user's next save.
 */
export class UnsavedPins {
  readonly #own: OwnAccount;
  readonly #memory: ListMemory;
  readonly #store: DeviceStore;
  readonly #scheduler: SchedulerLike;
  readonly #isOurs: (owner: OwnerRecord | undefined) => boolean;
  readonly #pins = new Map<UserId, Pins>();
  readonly #pendingEdits: PendingEdits;

  constructor(
    own: OwnAccount,
    memory: ListMemory,
    pendingEdits: PendingEdits,
    store: DeviceStore,
    scheduler: SchedulerLike,
    isOurs: (owner: OwnerRecord | undefined) => boolean,
  ) {
    this.#own = own;
    this.#memory = memory;
    this.#pendingEdits = pendingEdits;
    this.#store = store;
    this.#scheduler = scheduler;
    this.#isOurs = isOurs;
  }

  /** Returns what was pinned of a user but is not saved. */
  get(userId: UserId): Pins | undefined {
    return this.#pins.get(userId);
  }

  add(pins: ReadonlyMap<UserId, Pins>): void {
    for (const [userId, added] of pins) this.#pins.set(userId, mergePins(added, this.#pins.get(userId) ?? NO_PINS));
  }

  /** Applies a person's decision to what was pinned. */
  edit(userId: UserId, edit: (pins: Pins) => Pins): void {
    const pins = this.#pins.get(userId);
    if (pins !== undefined) this.#pins.set(userId, edit(pins));
  }

  saved(userIds: Iterable<UserId>): void {
    for (const userId of userIds) this.#pins.delete(userId);
  }

  /**
   * Reads the saved pins of these users: a store that accepts no writes, such as one on a full disk, can often be read.
   * Users whose pins cannot be read are absent.
   */
  read(userIds: readonly UserId[]): Observable<ReadonlyMap<UserId, Pins>> {
    return this.#store.read([OWNER, ...userIds.map(listKey)]).pipe(
      map(([owner, ...records]) => {
        if (!this.#isOurs(readOwner(owner))) return NO_SAVED_PINS;
        const pins = new Map<UserId, Pins>();
        userIds.forEach((userId, i) => {
          const record = readListRecord(records[i], userId);
          if (!record.damaged.includes("pins")) pins.set(userId, record.pins);
        });
        return pins;
      }),
      timeout({ first: PINS_PATIENCE, scheduler: this.#scheduler }),
      catchError(() => of(NO_SAVED_PINS)),
    );
  }

  /** Decides as the store would, with what memory knows and what was read. */
  decide(lists: ReadonlyMap<UserId, ListToSave>, read: ReadonlyMap<UserId, Pins>): ReadonlyMap<UserId, SaveOutcome> {
    const outcomes = new Map<UserId, SaveOutcome>();
    const { ourKey } = this.#memory;
    for (const [userId, { list: verified, askedAfter, revision, refusesUnsigned, isListed }] of lists) {
      const last = this.#memory.last(userId);
      // What memory knew comes first, then what was pinned since: that may come from a list that could not be compared
      // with any pins.
      const inMemory = mergePins(
        last?.beside.pins ?? NO_PINS,
        mergePins(pinsOf(last?.list), this.#pins.get(userId) ?? NO_PINS),
      );
      const saved = read.get(userId) ?? (this.#knowsIdentity(userId, verified) ? NO_PINS : LOST_PINS);
      const edited = (pins: Pins) => this.#pendingEdits.pins(userId, pins);
      const first = mergePins(edited(saved), edited(inMemory));
      const { list, pins } = applyPins(verified, first, last?.list, {
        askedAfter,
        isLate: revision === undefined,
        refusesUnsigned,
        isOwn: userId === this.#own.ownUserId,
        ownMasterKey: this.#own.ownMasterKey,
        ourKey,
        ourKeys: ourKey === undefined ? [] : [ourKey],
        ...(isListed !== undefined && { isListed }),
      });
      this.#pins.set(userId, pins);
      outcomes.set(userId, {
        list,
        pins,
        before: last?.list,
        state: revision === undefined ? "pinned" : "saved",
        pinsDamaged: false,
        pinsReplaced: false,
      });
    }
    return outcomes;
  }

  /**
   * True if memory knows the pins of everything in this list. If not, and the store cannot be read, a key may have
   * changed.
   */
  covers(userId: UserId, list: DeviceList): boolean {
    const last = this.#memory.last(userId);
    if (last === undefined) return false;
    if (last.beside.pins !== undefined) return true;
    const isKnown = (deviceId: DeviceId) => last.list.deviceKeys.has(deviceId);
    return this.#knowsIdentity(userId, list) && Array.from(list.deviceKeys.keys()).every(isKnown);
  }

  /** True if memory knows which master key was first seen, if any. */
  #knowsIdentity(userId: UserId, { identity }: DeviceList): boolean {
    const last = this.#memory.last(userId);
    if (last === undefined) return false;
    if (last.beside.pins !== undefined) return last.beside.pins.incomplete === undefined;
    const { pinnedMasterKey, uncompared } = last.list.identity;
    return uncompared === undefined && (identity.masterKey === undefined || pinnedMasterKey !== undefined);
  }
}
