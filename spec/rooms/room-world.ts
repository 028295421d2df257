import {
  concatMap,
  defer,
  delay,
  dematerialize,
  map,
  materialize,
  of,
  tap,
  throwError,
  timer,
  toArray,
  type Observable,
} from "rxjs";
import type { UserId } from "../../src/model/ids.js";
import type { MembersApi } from "../../src/rooms/members-api.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import type { RoomId } from "../../src/rooms/wire.js";
import type { RoomRecipients } from "../../src/rooms/room-recipients.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { Trace } from "../properties/trace.js";
import { VirtualClock } from "../properties/virtual-clock.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB } from "../support/users.js";
import {
  describeEvent,
  MEMBERS,
  ROOM,
  ROOMS,
  type Event,
  type History,
  type Move,
  type Setup,
} from "./room-history.js";
import { RoomOracle, type Session } from "./room-oracle.js";
import { RoomTab, type Watched } from "./room-tab.js";
import { RoomTruth } from "./room-truth.js";
import { ALL } from "./rooms-in.js";

/** Longer than any wait before something is tried again, in ms. */
const LONG = 11 * 60_000;
/** Long enough for everything that no trouble delays, in ms. */
const SHORT = 1_000;
/** The longest time that a request takes, in ms. */
const SLOW = 20_000;
/** More requests than any history needs. */
const MOST_REQUESTS = 3_000;

/** Lets one history happen. Throws a violation if a promise is broken. */
export class RoomWorld {
  readonly #setup: Setup;
  readonly #clock = new VirtualClock();
  readonly #records: DeviceStore = memoryStore();
  readonly #homeserver: ScriptedHomeserver;
  readonly #truth: RoomTruth;
  readonly #trace: Trace;
  readonly #oracle: RoomOracle;
  readonly #tabs: RoomTab[] = [];
  /** The sessions of each tab's application, which outlive it. */
  readonly #sessions: Map<RoomId, Session>[] = [];
  readonly #unhandled: () => readonly unknown[];
  #leader = 0;
  /** What goes wrong with the next requests. */
  readonly #troubles: Event[] = [];
  /** How often something has gone wrong. */
  #troubleCount = 0;
  /** The position of the server when each event began. */
  readonly #past: { readonly time: number; readonly position: number }[] = [];
  #requests = 0;
  #membersRequests = 0;
  #devices = 0;

  constructor(setup: Setup, unhandled: () => readonly unknown[], isTraced: boolean) {
    this.#setup = setup;
    this.#unhandled = unhandled;
    this.#trace = new Trace(() => this.#clock.now(), isTraced);
    this.#homeserver = new ScriptedHomeserver({ scheduler: this.#clock });
    this.#truth = new RoomTruth(this.#homeserver);
    this.#oracle = new RoomOracle(this.#truth, this.#trace);
    this.#prepare();
  }

  run({ setup, events }: History): void {
    this.#do(`open ${JSON.stringify(setup)}`, () => {
      for (let index = 0; index < setup.tabs; index++) this.#open(index);
      this.#clock.advance(SHORT);
      this.#sync([], 0);
      this.#clock.advance(SHORT);
      this.#oracle.begin = this.#truth.position;
    });
    for (const event of events) this.#do(describeEvent(event), () => this.#happen(event));
    this.#do("everything works again", () => this.#repair());
    this.#do("quiet", () => this.#checkQuiet());
  }

  #prepare(): void {
    const { rooms } = this.#homeserver;
    const { isLazy, leavesOut, announcesSharing, stateAfter } = this.#setup;
    Object.assign(rooms, { isLazy, leavesOut: leavesOut && announcesSharing, announcesSharing, stateAfter });
    this.#homeserver.announcesStrangers = false;
    for (const userId of MEMBERS) this.#logIn(userId);
    for (const roomId of ROOMS) this.#homeserver.room(roomId).join(ALICE, BOB);
    this.#homeserver.room(ROOM).encrypt();
  }

  #do(what: string, action: () => void): void {
    this.#past.push({ time: this.#clock.now(), position: this.#truth.position });
    this.#trace.note(() => what);
    action();
    for (const error of this.#unhandled()) this.#trace.broken("P8", `unhandled ${String(error)}`);
    this.#trace.verify();
  }

  #happen(event: Event): void {
    switch (event.type) {
      case "move":
        return this.#move(event.room, event.user, event.how);
      case "send":
        return this.#homeserver.room(event.room).send(event.user);
      case "visibility":
        return this.#homeserver.room(event.room).setVisibility(event.to);
      case "encrypt":
        return event.off ? this.#switchOff(event.room) : this.#homeserver.room(event.room).encrypt();
      case "log in":
        return this.#logIn(event.user);
      case "log out": {
        const [device] = this.#homeserver.devicesOf(event.user).keys();
        if (device !== undefined) this.#homeserver.removeDevice(event.user, device);
        return this.#truth.listed(event.user);
      }
      case "sync":
        return this.#sync(event.limited, event.timeline);
      case "skip":
        if (this.#setup.announcesSharing) this.#leading.loopToken = this.#homeserver.token;
        return;
      case "begin anew":
        this.#leading.loopToken = null;
        return;
      case "wait":
        return this.#clock.advance(event.ms);
      case "take over":
        return this.#takeOver(event.tab, event.isLate);
      case "members trouble":
      case "query trouble":
      case "changes trouble":
        this.#troubles.push(event);
        return;
      default:
        return this.#happenIn(event.tab, event);
    }
  }

  #happenIn(
    index: number,
    event: Extract<Event, { type: "ask" | "watch" | "act" | "restart" | "store trouble" }>,
  ): void {
    const tab = this.#tabs[index]!;
    switch (event.type) {
      case "ask":
        return this.#ask(index, event.room);
      case "watch":
        return this.#watch(tab, event.room);
      case "act":
        return this.#act(tab, event);
      case "restart":
        tab.crash();
        return this.#open(index, tab);
      case "store trouble":
        this.#troubleCount++;
        if (event.how === "fails") tab.store.failNext(new Error("the store fails once"), "update");
        else tab.store.hangNext("update", true);
    }
  }

  #move(roomId: RoomId, userId: UserId, how: Move): void {
    const room = this.#homeserver.room(roomId);
    // Of a room that is forgotten, and whose encryption is not to be read, nobody could know that it was encrypted.
    if (userId === ALICE && this.#truth.isSwitchedOff(roomId)) room.encrypt();
    if (how === "bounce" || how === "reinvite") {
      room.leave(userId);
      room[how === "bounce" ? "join" : "invite"](userId);
    } else room[how](userId);
  }

  /** The position when a request may have begun that is answered now. */
  get #began(): number {
    const time = this.#clock.now() - SLOW;
    return this.#past.findLast((past) => past.time < time)?.position ?? 0;
  }

  /** The saved position. */
  get #saved(): number {
    let saved = 0;
    this.#records.syncToken$.subscribe((token) => (saved = token === undefined ? 0 : positionOf(token)));
    return saved;
  }

  /** While it is saved that the room is encrypted and ours: otherwise nobody could know that it ever was. */
  #switchOff(roomId: RoomId): void {
    const isSaved = this.#truth.isOurs(roomId, { from: this.#saved, to: this.#truth.position });
    if (isSaved.includes(false) || !this.#tabs.every((tab) => tab.encrypted.has(roomId))) return;
    this.#homeserver.room(roomId).set("m.room.encryption", {});
  }

  #logIn(userId: UserId): void {
    this.#homeserver.addDevice(userId, `${localpart(userId).toUpperCase()}${++this.#devices}`);
    this.#truth.listed(userId);
  }

  get #leading(): RoomTab {
    return this.#tabs[this.#leader]!;
  }

  #open(index: number, before?: RoomTab): void {
    const name = before === undefined ? `tab ${index}` : `${before.name}'`;
    const tab = new RoomTab(name, {
      setup: this.#setup,
      clock: this.#clock,
      records: this.#records,
      keysApi: this.#keysApi(),
      membersApi: this.#membersApi(),
      replayed: () => this.#oracle.replays++,
    });
    for (const [who, acted] of before?.acted ?? []) if (acted.isDurable) tab.acted.set(who, acted);
    tab.tracker.applied$.subscribe(({ next_batch: next }) => {
      this.#trace.note(() => `  ${tab.name} has applied ${next}`);
      if (tab.pending === positionOf(next)) tab.pending = undefined;
    });
    tab.tracker.problems$.subscribe(({ type, message }) => this.#trace.note(() => `  ${tab.name} ${type}: ${message}`));
    const sessions = (this.#sessions[index] ??= new Map<RoomId, Session>());
    for (const session of sessions.values()) session.stoodOn = Math.min(session.stoodOn, this.#saved);
    this.#tabs[index] = tab;
  }

  /** The tab whose turn it is asks the server what is new. */
  #sync(limited: readonly string[], timeline: number): void {
    const tab = this.#leading;
    if (tab.poll?.closed === false) return;
    const since$: Observable<string | null | undefined> =
      tab.loopToken === undefined ? tab.store.syncToken$ : of(tab.loopToken);
    const response$ = since$.pipe(
      concatMap((since) => this.#later(() => this.#respond(since ?? null, limited, timeline))),
      concatMap((response) => this.#later(() => response)),
    );
    tab.poll = response$.subscribe((response) => {
      if (tab.isGone) return;
      this.#trace.note(() => `  ${tab.name} is given ${JSON.stringify(response)}`);
      if (tab === this.#leading) tab.loopToken = response.next_batch;
      const isBehind = typeof response.since === "string" && positionOf(response.since) < tab.probe.standsOn;
      if (!isBehind) tab.pending = positionOf(response.next_batch);
      tab.give(response);
    });
  }

  #respond(since: string | null, limited: readonly string[], timeline: number) {
    for (const roomId of ROOMS) {
      const room = this.#homeserver.room(roomId);
      room.isLimited = limited.includes(roomId);
      room.timelineLength = timeline;
    }
    this.#homeserver.change(); // no two responses lead to the same token
    const response = this.#homeserver.respond(since);
    this.#oracle.upTo = this.#truth.position;
    return response;
  }

  #takeOver(index: number, isLate: boolean): void {
    const before = this.#leading;
    this.#leader = index;
    if (before === this.#leading) return;
    before.loopToken = undefined;
    if (!isLate) before.poll?.unsubscribe();
  }

  #ask(index: number, roomId: RoomId, then: (now: RoomRecipients) => void = () => {}): void {
    const tab = this.#tabs[index]!;
    const troublesBefore = this.#troubleCount;
    const call = {};
    tab.asking.add(call);
    tab.rooms.recipients(roomId, ALL).subscribe({
      next: (now) => {
        if (tab.isGone) return;
        this.#trace.note(() => `  ${tab.name} has an answer for ${roomId}: ${shortly(now)}`);
        this.#oracle.answer(tab, "answer", now);
        const sessions = this.#sessions[index]!;
        sessions.set(roomId, this.#oracle.send(tab, sessions.get(roomId), now));
        then(now);
      },
      complete: () => tab.asking.delete(call),
      error: (error: unknown) => {
        if (tab.isGone) return;
        tab.asking.delete(call);
        this.#trace.note(() => `  ${tab.name} has no answer for ${roomId}: ${String(error)}`);
        this.#oracle.failure(tab, roomId, error, this.#troubleCount > troublesBefore, this.#began);
      },
    });
  }

  #watch(tab: RoomTab, roomId: RoomId): void {
    const watched: Watched = { roomId, last: undefined, error: undefined };
    tab.watched.push(watched);
    tab.rooms.watchRecipients(roomId, ALL).subscribe({
      next: (now) => {
        if (tab.isGone) return;
        this.#trace.note(() => `  ${tab.name} watches ${roomId}: ${shortly(now)}`);
        watched.last = now;
        this.#oracle.answer(tab, "watcher", now);
      },
      error: (error: unknown) => {
        watched.error = error;
        if (!tab.isGone) this.#oracle.failure(tab, roomId, error, false, this.#began);
      },
    });
  }

  /** We invite or remove somebody, and tell the rooms. */
  #act(tab: RoomTab, { room: roomId, user, action }: Extract<Event, { type: "act" }>): void {
    const room = this.#homeserver.room(roomId);
    if (this.#truth.membership(roomId, ALICE, this.#truth.position) !== "join") return;
    if (!tab.encrypted.has(roomId)) return; // nothing is kept of a room that is not known
    if (action === "invite" && this.#truth.membership(roomId, user, this.#truth.position) === "join") return;
    room[action === "leave" ? "kick" : action](user);
    const acted = { at: this.#truth.position, isDeparture: action !== "invite", isDurable: false };
    this.#oracle.upTo = acted.at;
    tab.acted.set(`${roomId} ${user}`, acted);
    if (acted.isDeparture) this.#oracle.removed.add(`${roomId} ${user}`);
    tab.rooms.memberChanged(roomId, user, action).subscribe({ complete: () => (acted.isDurable = true) });
  }

  #keysApi(): KeysApi {
    const { keysApi } = this.#homeserver;
    return {
      query: (request) => this.#request("query trouble", () => keysApi.query(request)),
      changes: (range) => this.#request("changes trouble", () => keysApi.changes(range)),
    };
  }

  #membersApi(): MembersApi {
    const { membersApi } = this.#homeserver;
    const { ignoresAt } = this.#setup;
    return {
      members: ({ roomId, at }) => {
        this.#membersRequests++;
        this.#oracle.answersCross = this.#setup.tabs > 1;
        const isAt = at !== undefined && !ignoresAt;
        return this.#request("members trouble", () => membersApi.members({ roomId, ...(isAt && { at }) }));
      },
      state: (request) => this.#request("members trouble", () => membersApi.state(request)),
    };
  }

  #request<T>(kind: Event["type"], answer: () => Observable<T>): Observable<T> {
    return defer(() => {
      if (++this.#requests === MOST_REQUESTS) this.#trace.broken("P5", "a tracker spins");
      const next = this.#troubles.findIndex(({ type }) => type === kind);
      const [trouble] = next === -1 ? [] : this.#troubles.splice(next, 1);
      const isSlow = trouble?.type === "members trouble" && trouble.how === "is slow";
      if (trouble !== undefined) this.#troubleCount++;
      const failed$ = throwError(() => new Error(kind));
      const seen$ = defer(() => {
        this.#oracle.upTo = this.#truth.position;
        return answer();
      });
      if (trouble !== undefined && !isSlow) return this.#later(() => undefined).pipe(concatMap(() => failed$));
      const wait = isSlow ? SLOW : this.#delay();
      if (wait === 0) return seen$;
      if (this.#setup.looksAt === "departure") return timer(wait, this.#clock).pipe(concatMap(() => seen$));
      return seen$.pipe(
        materialize(),
        toArray(),
        delay(wait, this.#clock),
        concatMap((notifications) => notifications),
        dematerialize(),
      );
    }).pipe(tap({ error: () => this.#troubleCount++ }));
  }

  #delay(): number {
    const { delays } = this.#setup;
    return delays[this.#requests % delays.length] ?? 0;
  }

  #later<T>(what: () => T): Observable<T> {
    return defer(() => {
      const wait = this.#delay();
      return wait === 0 ? of(what()) : timer(wait, this.#clock).pipe(map(what));
    });
  }

  /** Every tab syncs once more, one after the other; twice, as a store may still fail. */
  #repair(): void {
    this.#troubles.length = 0;
    for (let times = 0; times < 2; times++) {
      this.#clock.advance(LONG);
      for (const [index, tab] of this.#tabs.entries()) {
        this.#takeOver(index, false);
        if (tab.loopToken === null) tab.loopToken = undefined;
        this.#sync([], 0);
        this.#clock.advance(SHORT);
      }
    }
  }

  #checkQuiet(): void {
    this.#clock.advance(LONG);
    const { rooms } = this.#homeserver;
    const sharing = [ALICE, ...MEMBERS.filter((userId) => rooms.isShared(userId))];
    const expected = this.#setup.announcesSharing ? sharing : undefined;
    for (const tab of this.#tabs) this.#oracle.tracked(tab, expected);
    const at = this.#truth.position;
    const ours = ROOMS.filter((roomId) => this.#truth.isOurs(roomId, { from: at, to: at }).includes(true));
    for (const roomId of ours) {
      for (const [index, tab] of this.#tabs.entries()) {
        let answer: RoomRecipients | undefined;
        this.#ask(index, roomId, (now) => (answer = now));
        this.#clock.advance(SHORT);
        this.#oracle.quiet(tab, "quiet", roomId, answer);
      }
    }
    this.#clock.advance(LONG);
    const requests = this.#membersRequests;
    this.#clock.advance(LONG);
    if (this.#membersRequests > requests) this.#trace.broken("P5", "members are asked for when all is quiet");
    for (const tab of this.#tabs) {
      this.#oracle.tracked(tab, expected);
      if (tab.asking.size > 0) this.#trace.broken("P5", `${tab.name}: ${tab.asking.size} calls do not end`);
      for (const { roomId, last, error } of tab.watched)
        if (error === undefined) this.#oracle.quiet(tab, "last of a watcher", roomId, last);
      const isShown = ours.every((roomId) => tab.encrypted.get(roomId)?.isComplete === true);
      if (!isShown) this.#trace.broken("rooms$", `${tab.name}: ${[...tab.encrypted.keys()].join()}`);
    }
  }
}

const positionOf = (token: string): number => Number(token.slice(1));

const shortly = ({ devices, joined, invited, uncertain, isComplete }: RoomRecipients): string =>
  JSON.stringify({ devices: devices.map(({ deviceId }) => deviceId), joined, invited, uncertain, isComplete });
