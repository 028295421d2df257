import type { InternalAxiosRequestConfig } from "axios";
import {
  DeviceTracker,
  memoryStore,
  type DeviceKeysByUser,
  type DeviceStore,
  type KeysQueryRequest,
  type TrackerProblem,
  type UserId,
} from "matrix-device-tracker";
import { axiosKeysApi, matrixHttp, slidingSyncResponses, syncResponses } from "matrix-device-tracker/http";
import { lastValueFrom, type Observable } from "rxjs";
import type { Seen } from "./truth.js";

interface Session {
  readonly url: string;
  readonly userId: UserId;
  readonly accessToken: string | ((refused?: string) => string | Promise<string>);
  /** @default a new one in memory */
  readonly store?: DeviceStore;
  /** Polls sliding sync instead, from this token if it is given. */
  readonly sliding?: { readonly from?: Observable<string>; readonly gaps?: "ask" | "distrust" };
}

/** The package as an application uses it, and all that it shows. */
export class Application {
  readonly tracker: DeviceTracker;
  readonly seen: Seen[] = [];
  readonly problems: TrackerProblem[] = [];
  /** Polls so far. */
  polls = 0;
  /** When the poll from each token was last sent; `null` is an initial sync. */
  readonly #polledAt = new Map<string | null, number>();
  #lists: DeviceKeysByUser = new Map();

  /** Requests for what happened in a gap. */
  gapRequests = 0;

  constructor({ url, userId, accessToken, store = memoryStore(), sliding }: Session) {
    const http = matrixHttp({ homeserverUrl: url, accessToken });
    http.interceptors.request.use((config) => {
      this.#requested(config);
      return config;
    });
    const { from: since$ = store.syncToken$, gaps = "ask" } = sliding ?? {};
    const sync$ = (sliding === undefined ? syncResponses : slidingSyncResponses)(http, { since$ });
    this.tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$, gaps });
    this.tracker.problems$.subscribe((problem) => this.problems.push(problem));
    this.tracker.applied$.subscribe({
      next: ({ since = null, device_lists: { changed = [], left = [] } = {} }) => {
        const polledAt = this.#polledAt.get(since) ?? Number.NEGATIVE_INFINITY;
        this.seen.push({ type: "applied", at: performance.now(), polledAt, changed, left });
        // What stays shown counts as well, once the watcher has had its turn.
        setImmediate(() => this.#look());
      },
    });
  }

  /** Connects, tracks and watches in one go. */
  start(users: readonly UserId[]): void {
    this.tracker.connect();
    this.tracker.track(users).subscribe();
    this.watch(users);
  }

  watch(users: readonly UserId[]): void {
    this.tracker.watchDeviceKeys(users).subscribe((lists) => {
      this.#lists = lists;
      this.#look();
    });
  }

  /** What is shown of a user at the moment, such as `2 current`. */
  shown(userId: UserId): string | undefined {
    const last = this.seen.findLast((event) => event.type === "shown" && event.userId === userId);
    return last?.type === "shown" ? `${last.keys.length} ${last.freshness}` : undefined;
  }

  /** Steps that name a user as changed, or as left. */
  stepsWith(userId: UserId, list: "changed" | "left"): number {
    return this.seen.filter((event) => event.type === "applied" && event[list].includes(userId)).length;
  }

  async devicesOf(userId: UserId): Promise<readonly string[]> {
    const lists = await lastValueFrom(this.tracker.getDeviceKeys([userId]));
    return [...(lists.get(userId)?.deviceKeys.keys() ?? [])];
  }

  /** Notes what is shown. */
  #look(): void {
    const at = performance.now();
    for (const [userId, { freshness, deviceKeys }] of this.#lists) {
      const keys = Array.from(deviceKeys, ([deviceId, device]) => device.keys[`ed25519:${deviceId}`] ?? "");
      this.seen.push({ type: "shown", at, userId, freshness, keys });
    }
  }

  #requested({ url, params, data }: InternalAxiosRequestConfig): void {
    const at = performance.now();
    if (url?.endsWith("/sync") === true) {
      this.polls++;
      const { since, pos } = params as { readonly since?: string; readonly pos?: string };
      this.#polledAt.set(since ?? pos ?? null, at);
    } else if (url?.endsWith("/keys/changes") === true) {
      this.gapRequests++;
    } else if (url?.endsWith("/keys/query") === true) {
      this.seen.push({ type: "queried", at, users: Object.keys((data as KeysQueryRequest).device_keys) });
    }
  }

  close(): void {
    this.tracker.close();
  }
}
