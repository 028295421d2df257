import { filter, firstValueFrom, forkJoin, lastValueFrom, map, ReplaySubject, take, tap, type Observable } from "rxjs";
import { DeviceTracker, type DeviceKeysByUser, type DeviceStore, type SyncResponse } from "matrix-device-tracker";
import { axiosKeysApi, matrixHttp, syncResponses } from "matrix-device-tracker/http";
import { readAnnouncement } from "../../../src/store/announcement.js";
import { Random } from "../../support/random.js";
import type { Listed, PageEvent, ProofPage } from "./page-events.js";

/** Lookups in flight at once, while it works. */
const WORKERS = 4;
/** Marks that are waited for at once: one of each tab. */
const MARKS_AT_ONCE = 3;

interface Driven {
  readonly homeserverUrl: string;
  readonly userId: string;
  readonly store: DeviceStore;
  /** What an application puts between the sync loop and its tracker. */
  readonly share?: (responses$: Observable<SyncResponse>) => Observable<SyncResponse>;
  readonly report: (event: PageEvent) => void;
}

/** The package as an application composes it. It reports everything that it sees, and does what the driver of the proof says. */
export function drivenTracker({
  homeserverUrl,
  userId,
  store,
  share = (responses$) => responses$,
  report,
}: Driven): ProofPage {
  const reportError = (error: unknown) => report({ type: "error", message: String(error) });
  const http = matrixHttp({ homeserverUrl, accessToken: "demo" });
  const own = new WeakSet<SyncResponse>();
  const responses$ = syncResponses(http, {
    since$: store.syncToken$,
    timeout: 2_000,
    onFailure: ({ message }) => report({ type: "poll failed", message }),
  });
  const sync$ = share(responses$).pipe(
    tap((response) => {
      own.add(response);
      report({ type: "given", token: response.next_batch });
    }),
  );
  const tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$ });

  const listed = (lists: DeviceKeysByUser): readonly Listed[] =>
    Array.from(lists, ([userId, { freshness, deviceKeys }]) => [userId, freshness, [...deviceKeys.keys()]] as const);
  const ended = (stream: string) => ({
    error: (error: unknown) => reportError(`${stream} failed: ${String(error)}`),
    complete: () => reportError(`${stream} completed`),
  });
  tracker.problems$.subscribe((problem) => {
    const { type, message } = problem;
    report({ type: "problem", problem: type, isClosedGap: problem.type === "gap" && problem.caughtUp, message });
  });
  tracker.applied$.subscribe({
    next: (response) => report({ type: "applied", token: response.next_batch, isOwn: own.has(response) }),
    ...ended("applied$"),
  });
  tracker.synced$.subscribe({
    next: ({ next_batch: token }) => report({ type: "synced", token }),
    ...ended("synced$"),
  });
  tracker.trackedUsers$.subscribe({
    next: (tracked) => report({ type: "tracked", users: [...tracked] }),
    ...ended("trackedUsers$"),
  });

  const marks$ = new ReplaySubject<string>(MARKS_AT_ONCE);
  store.commits$.subscribe((announcement) => {
    const { mark } = (announcement ?? {}) as { readonly mark?: string };
    if (mark !== undefined) marks$.next(mark);
    for (const token of tokensIn(announcement)) report({ type: "announced", token });
  });

  /** Where the steps in an announcement lead. */
  function tokensIn(announcement: unknown): readonly string[] {
    const news = readAnnouncement(announcement)?.news ?? [];
    const commits = news.flatMap((one) => (one.type === "commits" ? one.commits : []));
    return commits.flatMap(({ change }) => (change.type === "step" ? (change.next ?? []) : []));
  }

  async function lookUp(id: number, users: readonly string[], forceDownload: boolean): Promise<void> {
    report({ type: "lookup", id, users });
    const lookup$ = tracker
      .getDeviceKeys(users, { forceDownload })
      .pipe(tap((lists) => report({ type: "answered", id, users: listed(lists) })));
    await lastValueFrom(lookup$).catch((error: unknown) => report({ type: "failed", id, message: String(error) }));
  }

  async function work(seed: number, users: readonly string[]): Promise<void> {
    const random = new Random(seed);
    for (let id = seed; ; id++) {
      await lookUp(id, random.some(users, random.between(1, 10)), random.chance(0.2));
      await new Promise((resolve) => setTimeout(resolve)); // answers from memory are synchronous: other tasks must run, too
    }
  }

  return {
    saved: (users) =>
      firstValueFrom(
        forkJoin({
          token: store.syncToken$,
          tracked: tracker.trackedUsers$.pipe(
            take(1),
            map((tracked) => [...tracked]),
          ),
          lists: tracker.getKnownDeviceKeys(users).pipe(map(listed)),
        }),
      ),
    connect: () => void tracker.connect(),
    caughtUp: () => firstValueFrom(tracker.caughtUp$),
    lookUp: (id, users, forceDownload) => void lookUp(id, users, forceDownload),
    watch: (users) =>
      void tracker.watchDeviceKeys(users).subscribe({
        next: (lists) => report({ type: "watched", users: listed(lists) }),
        ...ended("watchDeviceKeys"),
      }),
    work: (seed, users) => {
      for (let worker = 1; worker <= WORKERS; worker++) void work(seed * 1_000_000 + worker * 100_000, users);
    },
    announceMark: async (mark) => {
      await lastValueFrom(tracker.track([]), { defaultValue: undefined }); // after everything before it
      await firstValueFrom(store.update([], () => ({ puts: [], deletes: [], result: 0, announce: { mark } })));
    },
    markReceived: async (mark) => void (await firstValueFrom(marks$.pipe(filter((one) => one === mark)))),
  };
}
