import { filter, Subject, type Observable, type Subscription } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { UserId } from "../../src/model/ids.js";
import type { SyncResponse } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { EncryptedRooms } from "../../src/rooms/encrypted-rooms.js";
import type { MembersApi } from "../../src/rooms/members-api.js";
import type { EncryptedRoom } from "../../src/rooms/room-views.js";
import type { RoomRecipients } from "../../src/rooms/room-recipients.js";
import type { RoomId } from "../../src/rooms/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { TabClock, type VirtualClock } from "../properties/virtual-clock.js";
import { ALICE } from "../support/users.js";
import { Probe } from "./probe.js";
import type { Setup } from "./room-history.js";

/** What a tab is made with. */
export interface TabSurroundings {
  readonly setup: Setup;
  readonly clock: VirtualClock;
  readonly records: DeviceStore;
  readonly keysApi: KeysApi;
  readonly membersApi: MembersApi;
  /** Events of responses are applied again. */
  readonly replayed: () => void;
}

/** A live answer. */
export interface Watched {
  readonly roomId: RoomId;
  last: RoomRecipients | undefined;
  error: unknown;
}

/** One tracker with its rooms. */
export class RoomTab {
  readonly name: string;
  readonly clock: TabClock;
  readonly store: ScriptedStore;
  readonly rooms: EncryptedRooms;
  readonly probe: Probe;
  readonly tracker: DeviceTracker;
  /** The position of the response that it was given and has not applied yet. */
  pending: number | undefined;
  /** What we did ourselves and the tracker was told: the position, by room and user. */
  readonly acted = new Map<string, { readonly at: number; readonly isDeparture: boolean; isDurable: boolean }>();
  readonly watched: Watched[] = [];
  /** Calls of `recipients()` that have not ended. */
  readonly asking = new Set<object>();
  /** Where its sync loop goes on; `undefined`: where the store says. */
  loopToken: string | null | undefined;
  /** The response on its way. */
  poll: Subscription | undefined;
  tracked: ReadonlySet<UserId> = new Set();
  encrypted: ReadonlyMap<RoomId, EncryptedRoom> = new Map();
  isGone = false;
  readonly #responses$ = new Subject<SyncResponse>();

  constructor(name: string, { setup, clock, records, keysApi, membersApi, replayed }: TabSurroundings) {
    this.probe = new Probe(replayed);
    this.name = name;
    this.clock = new TabClock(clock);
    const { storeTakes: takes, announceAfter, isLazy, expectsLazy } = setup;
    this.store = new ScriptedStore({ scheduler: this.clock, records, takes, announceAfter });
    this.rooms = new EncryptedRooms({ membersApi: this.#while(membersApi), lazyLoadMembers: isLazy || expectsLazy });
    this.tracker = new DeviceTracker({
      userId: ALICE,
      sync$: this.#responses$,
      store: this.store,
      keysApi,
      scheduler: this.clock,
      extensions: [this.rooms, this.probe],
    });
    this.tracker.trackedUsers$.subscribe((users) => (this.tracked = users));
    this.rooms.rooms$.subscribe((rooms) => (this.encrypted = rooms));
    this.tracker.connect();
  }

  /**
   * The position up to which it knows everything: by its own stream, or by commits of other tabs. What a
   * response says that is behind those comes again: it does not count.
   */
  get given(): number {
    return Math.max(this.probe.standsOn, this.pending ?? 0);
  }

  give(response: SyncResponse): void {
    this.#responses$.next(response);
  }

  /** The page is gone. */
  crash(): void {
    this.isGone = true;
    this.store.crash();
    this.clock.stop();
  }

  /** What is on its way when the page is gone does not arrive. */
  #while(api: MembersApi): MembersApi {
    const there = (answer$: Observable<unknown>) => answer$.pipe(filter(() => !this.isGone));
    return { members: (request) => there(api.members(request)), state: (request) => there(api.state(request)) };
  }
}
