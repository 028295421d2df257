import type { AxiosInstance } from "axios";
import { DeviceTracker, memoryStore, type DeviceStore, type TrackerProblem, type UserId } from "matrix-device-tracker";
import { axiosKeysApi, axiosMembersApi, matrixHttp, syncResponses } from "matrix-device-tracker/http";
import { EncryptedRooms, type RoomRecipients } from "matrix-device-tracker/rooms";
import { filter, firstValueFrom, lastValueFrom, of, ReplaySubject } from "rxjs";
import { isObject } from "../../src/model/json.js";
import type { Login } from "./person.js";

interface Session {
  readonly url: string;
  readonly userId: UserId;
  readonly login: Login;
  /** @default a new one in memory */
  readonly store?: DeviceStore;
  /** Syncs from this token instead of the saved one. */
  readonly since?: string;
  /** @default true */
  readonly isLazy?: boolean;
}

type Endpoint = "members" | "state" | "sync" | "query";

/** An application that sends messages in rooms, and its requests. */
export class RoomApplication {
  readonly rooms: EncryptedRooms;
  readonly tracker: DeviceTracker;
  readonly store: DeviceStore;
  readonly problems: TrackerProblem[] = [];
  /** How many requests have been sent to each endpoint. */
  readonly requests: Record<Endpoint, number> = { members: 0, state: 0, sync: 0, query: 0 };
  readonly #login: Login;
  readonly #userId: UserId;
  readonly #held = new Map<Endpoint, Promise<void>>();
  /** Events of timelines. */
  readonly #shown = new Set<unknown>();
  readonly #shown$ = new ReplaySubject<void>(1);

  constructor({ url, userId, login, store = memoryStore(), since, isLazy = true }: Session) {
    const http = matrixHttp({ homeserverUrl: url, accessToken: login.accessToken });
    this.#watch(http);
    const room = { timeline: { limit: 10 }, ...(isLazy && { state: { lazy_load_members: true } }) };
    const sync$ = syncResponses(http, {
      since$: since === undefined ? store.syncToken$ : of(since),
      filter: { room, presence: { types: [] } },
    });
    this.rooms = new EncryptedRooms({ membersApi: axiosMembersApi(http), lazyLoadMembers: isLazy });
    this.tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$, extensions: [this.rooms] });
    this.store = store;
    this.#login = login;
    this.#userId = userId;
    this.tracker.problems$.subscribe((problem) => this.problems.push(problem));
    this.tracker.applied$.subscribe(({ rooms }) => {
      for (const eventId of timelineIn(rooms)) this.#shown.add(eventId);
      this.#shown$.next();
    });
  }

  /** Resolves once it has caught up. */
  async start(): Promise<this> {
    this.tracker.connect();
    await firstValueFrom(this.tracker.caughtUp$);
    return this;
  }

  /** The recipients of a message that is sent now. */
  async recipients(roomId: string): Promise<RoomRecipients> {
    const ownDevice = { userId: this.#userId, deviceId: this.#login.deviceId };
    return await lastValueFrom(this.rooms.recipients(roomId, { devices: "all", ownDevice }));
  }

  /** Resolves once an event has been applied, and with it all that came before. */
  async hasApplied(eventId: string): Promise<void> {
    await firstValueFrom(this.#shown$.pipe(filter(() => this.#shown.has(eventId))));
  }

  /** Resolves once everything applied is durable: commits keep their order. */
  async isSaved(): Promise<void> {
    await lastValueFrom(this.tracker.track([this.#userId]), { defaultValue: undefined });
  }

  /** Holds back responses of an endpoint until the function that is returned is called. */
  hold(endpoint: Endpoint): () => void {
    let release = () => {};
    this.#held.set(endpoint, new Promise((resolve) => (release = resolve)));
    return () => {
      this.#held.delete(endpoint);
      release();
    };
  }

  close(): void {
    this.tracker.close();
  }

  #watch(http: AxiosInstance): void {
    http.interceptors.request.use((config) => {
      this.requests[endpointOf(config.url)]++;
      return config;
    });
    http.interceptors.response.use(async (response) => {
      await this.#held.get(endpointOf(response.config.url));
      return response;
    });
  }
}

function endpointOf(url = ""): Endpoint {
  if (url.endsWith("/sync")) return "sync";
  if (url.endsWith("/members")) return "members";
  return url.includes("/state/") ? "state" : "query";
}

function timelineIn(rooms: unknown): readonly unknown[] {
  const joined = isObject(rooms) && isObject(rooms.join) ? Object.values(rooms.join) : [];
  return joined.flatMap((room) => {
    const events = isObject(room) && isObject(room.timeline) ? room.timeline.events : undefined;
    return Array.isArray(events) ? (events as unknown[]).map((event) => isObject(event) && event.event_id) : [];
  });
}
