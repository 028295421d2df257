import {
  concatMap,
  defer,
  finalize,
  of,
  Subject,
  tap,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { serverName, type DeviceId, type UserId } from "../model/ids.js";
import type {
  CrossSigningKey,
  DeviceKeys,
  DeviceLists,
  KeysQueryRequest,
  KeysQueryResponse,
  SyncResponse,
} from "../model/wire.js";
import type { KeysApi } from "../query/keys-api.js";
import type { MembersApi } from "../rooms/members-api.js";
import type { RoomId } from "../rooms/wire.js";
import { ScriptedRooms, type ScriptedRoom } from "./scripted-rooms.js";
import { testDevice } from "./test-device.js";

export interface ScriptedHomeserverOptions {
  /** The clock, such as the `TestScheduler` of a marble test. */
  readonly scheduler: SchedulerLike;
  /** How long an answer to a query takes, in ms; 0 answers synchronously. @default 0 */
  readonly answerAfter?: number;
  /**
   * Whether an answer has the device lists as of the query's arrival or as of the answer's departure.
   * @default "arrival"
   */
  readonly looksAt?: "arrival" | "departure";
  /** Our own user: sync shows the rooms that this user is in. @default "@alice:example.org" */
  readonly userId?: UserId;
}

/** A request for the members of a room; times are the scheduler's. */
export interface ScriptedMembersRequest {
  readonly roomId: RoomId;
  readonly at: string | undefined;
  readonly sentAt: number;
}

/** A `/keys/query` that was sent to the homeserver; times are the scheduler's. */
export interface ScriptedQuery {
  readonly userIds: readonly UserId[];
  readonly timeout: number | undefined;
  readonly sentAt: number;
  answeredAt?: number;
  abortedAt?: number;
}

interface Account {
  readonly devices: Map<DeviceId, DeviceKeys>;
  readonly crossSigning: Map<"master_keys" | "self_signing_keys" | "user_signing_keys", CrossSigningKey>;
}

/**
 * A homeserver in virtual time, for marble tests of code that uses a tracker. It has the devices of all users, answers
 * queries, and announces changes when {@link step} is called.
 *
 * @example
 * const homeserver = new ScriptedHomeserver({ scheduler, answerAfter: 5 });
 * const { sync$, keysApi } = homeserver;
 * const tracker = new DeviceTracker({ userId: "@alice:example.org", sync$, keysApi, scheduler });
 * tracker.connect();
 * homeserver.room("!room:example.org").join("@alice:example.org", "@bob:example.org");
 * homeserver.addDevice("@bob:example.org", "PHONE");
 * homeserver.step(); // announces Bob
 * tracker.getDeviceKeys(["@bob:example.org"]).subscribe(…); // emits after 5 ms; see also homeserver.queries
 */
export class ScriptedHomeserver {
  /** Hot: the response of each {@link step}. */
  readonly sync$: Observable<SyncResponse>;
  readonly keysApi: KeysApi;
  /** The API for `EncryptedRooms`. A request takes as long as a query. */
  readonly membersApi: MembersApi;
  readonly rooms: ScriptedRooms;
  /** All requests for members so far, in the order of their arrival. */
  readonly membersRequests: ScriptedMembersRequest[] = [];
  /** All queries so far, in the order of their arrival. */
  readonly queries: ScriptedQuery[] = [];
  /** Names of unreachable servers. In answers they are in `failures`, and their users are missing. */
  readonly unreachable = new Set<string>();
  /** Whether device lists name changed users that share no room with us. */
  announcesStrangers = true;
  answerAfter: number;
  looksAt: "arrival" | "departure";

  readonly #scheduler: SchedulerLike;
  readonly #steps$ = new Subject<SyncResponse>();
  readonly #accounts = new Map<UserId, Account>();
  readonly #history: { readonly position: number; readonly userId: UserId; readonly kind: "changed" | "left" }[] = [];
  readonly #failures: unknown[] = [];
  readonly #membersFailures: unknown[] = [];
  #position = 0;
  /** The position of the last step. */
  #synced: number | undefined;

  constructor({
    scheduler,
    answerAfter = 0,
    looksAt = "arrival",
    userId = "@alice:example.org",
  }: ScriptedHomeserverOptions) {
    this.#scheduler = scheduler;
    this.answerAfter = answerAfter;
    this.looksAt = looksAt;
    this.sync$ = this.#steps$.asObservable();
    this.keysApi = {
      query: (request) => this.#query(request),
      changes: ({ from, to }) => of(this.#between(position(from), position(to))),
    };
    this.rooms = new ScriptedRooms({
      userId,
      advance: () => ++this.#position,
      announce: (kind, user) => {
        this.#note(kind, [user]);
      },
    });
    this.membersApi = {
      members: ({ roomId, at }) => this.#members(roomId, at),
      state: ({ roomId, eventType }) => this.#state(roomId, eventType),
    };
  }

  /** The token of the last change. */
  get token(): string {
    return `s${this.#position}`;
  }

  /** Returns the room with this ID, creating it if it does not exist. */
  room(roomId: RoomId): ScriptedRoom {
    return this.rooms.room(roomId);
  }

  /** Adds a device, or replaces the one with the same ID. */
  addDevice(userId: UserId, deviceId: DeviceId, properties?: Partial<DeviceKeys>): DeviceKeys {
    const device = testDevice(userId, deviceId, properties);
    this.#account(userId).devices.set(deviceId, device);
    this.change(userId);
    return device;
  }

  removeDevice(userId: UserId, deviceId: DeviceId): void {
    this.#account(userId).devices.delete(deviceId);
    this.change(userId);
  }

  /** Replaces a user's key, or removes it. */
  setCrossSigningKey(
    userId: UserId,
    section: "master_keys" | "self_signing_keys" | "user_signing_keys",
    key: CrossSigningKey | undefined,
  ): void {
    const { crossSigning } = this.#account(userId);
    if (key === undefined) crossSigning.delete(section);
    else crossSigning.set(section, key);
    this.change(userId);
  }

  /** Makes the next step name these users as changed, whether their devices have changed or not. */
  change(...userIds: readonly UserId[]): void {
    this.#note("changed", userIds);
  }

  /** Makes the next step name these users as left: they no longer share a room with us. */
  leave(...userIds: readonly UserId[]): void {
    this.#note("left", userIds);
  }

  /** Returns the devices that a query would return now. */
  devicesOf(userId: UserId): ReadonlyMap<DeviceId, DeviceKeys> {
    return this.#account(userId).devices;
  }

  /**
   * Emits a sync response on {@link sync$}, with the changes since the last step or the given token. `null` makes it an
   * initial sync, which names no users. Without an argument, the first response has no `since`, so that it continues
   * from any token of the tracker.
   */
  step(since?: string | null): SyncResponse {
    const response = this.respond(since);
    this.#steps$.next(response);
    return response;
  }

  /** Like {@link step}, but only returns the response. */
  respond(since?: string | null): SyncResponse {
    const answered = since === undefined && this.#synced !== undefined ? `s${this.#synced}` : since;
    const response: SyncResponse = { next_batch: this.token, ...(answered !== undefined && { since: answered }) };
    if (answered !== null) {
      const lists = this.#between(answered === undefined ? 0 : position(answered), this.#position);
      if (lists.changed.length > 0 || lists.left.length > 0) response.device_lists = lists;
    }
    const rooms = this.rooms.sync(answered === null ? null : position(answered ?? "s0"), this.#position);
    if (rooms !== undefined) response.rooms = rooms;
    this.#synced = this.#position;
    return response;
  }

  /** Makes the next query fail with this error, at the time of its answer. */
  failNext(error: unknown): void {
    this.#failures.push(error);
  }

  /** Makes the next request for members fail with this error, at the time of its answer. */
  failNextMembers(error: unknown): void {
    this.#membersFailures.push(error);
  }

  #members(roomId: RoomId, at: string | undefined): Observable<unknown> {
    return this.#asked(() => {
      this.membersRequests.push({ roomId, at, sentAt: this.#scheduler.now() });
      const seen = this.rooms.members(roomId, at === undefined ? this.#position : position(at));
      const isFailing = this.#membersFailures.length > 0;
      const failure = this.#membersFailures.shift();
      if (isFailing) return throwError(() => failure);
      return seen === undefined ? forbidden$ : of(seen);
    });
  }

  #state(roomId: RoomId, eventType: string): Observable<unknown> {
    return this.#asked(() => {
      const isKnown = this.rooms.members(roomId, this.#position) !== undefined;
      return isKnown ? of(this.rooms.state(roomId, eventType, this.#position)) : forbidden$;
    });
  }

  #asked(answer: () => Observable<unknown>): Observable<unknown> {
    return defer(() => after(this.answerAfter, this.#scheduler, answer()));
  }

  #account(userId: UserId): Account {
    let account = this.#accounts.get(userId);
    if (account === undefined) this.#accounts.set(userId, (account = { devices: new Map(), crossSigning: new Map() }));
    return account;
  }

  #note(kind: "changed" | "left", userIds: readonly UserId[]): void {
    this.#position++;
    for (const userId of userIds) this.#history.push({ position: this.#position, userId, kind });
  }

  #between(from: number, to: number): Required<DeviceLists> {
    const notes = this.#history.filter(({ position: at }) => at > from && at <= to);
    const last = new Map(notes.map(({ userId, kind }) => [userId, kind]));
    if (!this.announcesStrangers) {
      const { rooms } = this;
      for (const userId of last.keys()) {
        const kind = userId === rooms.userId || rooms.isShared(userId, to) ? "changed" : "left";
        if (notes.some((note) => note.userId === userId && note.kind === kind)) last.set(userId, kind);
        else last.delete(userId);
      }
    }
    const named = (kind: "changed" | "left") =>
      Array.from(last).flatMap(([userId, was]) => (was === kind ? [userId] : []));
    return { changed: named("changed"), left: named("left") };
  }

  #query({ device_keys: wanted, timeout }: KeysQueryRequest): Observable<KeysQueryResponse> {
    return defer(() => {
      const userIds = Object.keys(wanted);
      const query: ScriptedQuery = { userIds, timeout, sentAt: this.#scheduler.now() };
      this.queries.push(query);
      const failing = this.#failures.length > 0;
      const failure = this.#failures.shift();
      const seen = this.looksAt === "arrival" ? this.#answer(userIds) : undefined;
      let ended = false;
      const answer$ = failing ? throwError(() => failure) : defer(() => of(seen ?? this.#answer(userIds)));
      const end = () => {
        ended = true;
        query.answeredAt = this.#scheduler.now();
      };
      return after(this.answerAfter, this.#scheduler, answer$).pipe(
        tap({ next: end, error: end }),
        finalize(() => {
          if (!ended) query.abortedAt = this.#scheduler.now();
        }),
      );
    });
  }

  #answer(userIds: readonly UserId[]): KeysQueryResponse {
    const answer: Required<Pick<KeysQueryResponse, "device_keys" | "failures">> & KeysQueryResponse = {
      device_keys: {},
      failures: {},
    };
    for (const userId of userIds) {
      const server = serverName(userId);
      if (this.unreachable.has(server)) {
        answer.failures[server] = { status: 503, message: "cannot be reached" };
        continue;
      }
      const { devices, crossSigning } = this.#account(userId);
      if (devices.size > 0) answer.device_keys[userId] = Object.fromEntries(devices);
      for (const [section, key] of crossSigning) answer[section] = { ...answer[section], [userId]: key };
    }
    return answer;
  }
}

const position = (token: string): number => Number(token.slice(1));

/** Subscribes to the source after a time, synchronously if it is 0. */
function after<T>(time: number, scheduler: SchedulerLike, source$: Observable<T>): Observable<T> {
  return time === 0 ? source$ : timer(time, scheduler).pipe(concatMap(() => source$));
}

const forbidden$ = throwError(() => Object.assign(new Error("not in the room"), { status: 403 }));
