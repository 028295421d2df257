import { defer, map, NEVER, ReplaySubject, startWith, type Observable, type SchedulerLike } from "rxjs";
import { expect } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { ScriptedHomeserver, type ScriptedQuery } from "../../src/testing/scripted-homeserver.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import type { DeviceTrackerOptions } from "../../src/tracker/options.js";
import type { Marbles } from "./marbles.js";
import { localpart, summary } from "./summary.js";
import { ALICE } from "./users.js";

export interface SetUp extends Partial<Omit<DeviceTrackerOptions, "store" | "scheduler">> {
  /** @default a new one */
  readonly homeserver?: ScriptedHomeserver;
  /** The IDs of devices that the homeserver has from the start, by user. */
  readonly devices?: Readonly<Record<UserId, readonly DeviceId[]>>;
  /** How long the homeserver takes to answer. @default 0 */
  readonly answerAfter?: number;
  /** Replaces the homeserver's responses on their way. */
  readonly altered?: (response: KeysQueryResponse, users: readonly UserId[]) => unknown;
  /** Answers `/keys/changes` instead of the homeserver. */
  readonly changes?: KeysApi["changes"];
  /** @default a new one that answers at once */
  readonly store?: ScriptedStore;
  /** Users who are tracked, and outdated, from the start. */
  readonly tracked?: readonly UserId[];
  /** @default true */
  readonly connected?: boolean;
  /** @default that of the test */
  readonly scheduler?: SchedulerLike;
}

export interface UnderTest {
  readonly tracker: DeviceTracker;
  readonly homeserver: ScriptedHomeserver;
  readonly store: ScriptedStore;
  /** The types of the tracker's problems, from the start. */
  readonly problems$: Observable<TrackerProblem["type"]>;
  readonly problems: readonly TrackerProblem[];
  /** The tokens that `synced$` emits. */
  readonly synced$: Observable<string>;
  /** `getDeviceKeys`, in summary. */
  readonly lookup: (
    users: Iterable<UserId>,
    options?: Parameters<DeviceTracker["getDeviceKeys"]>[1],
  ) => Observable<readonly string[]>;
  readonly known: (users: Iterable<UserId>) => Observable<readonly string[]>;
  readonly watch: (users: Iterable<UserId>) => Observable<readonly string[]>;
  /** Expects that this tracker has sent these queries by the end of the test, such as `2-5 bob carol` or `2-4 bob (aborted)`. */
  readonly expectQueries: (...queries: readonly string[]) => void;
}

const INITIAL_SYNC: SyncResponse = { since: null, next_batch: "s0" };

/** Alice's tracker in virtual time, with its homeserver and its store. With a homeserver of its own it is connected and has had its initial sync. */
export function setUp(m: Marbles, { tracked = [], connected = true, ...rest }: SetUp = {}): UnderTest {
  const { scheduler } = m;
  const { homeserver, devices = {}, answerAfter = 0, altered, changes, sync$, store, ...options } = rest;
  const server = homeserver ?? homeserverWith(devices, answerAfter, m);
  const ownStore = store ?? new ScriptedStore({ scheduler });
  const isNew = homeserver === undefined && connected;
  const { keysApi, queries } = observed(server, altered);
  const tracker = new DeviceTracker({
    userId: ALICE,
    sync$: sync$ === undefined ? server.sync$ : isNew ? afterInitialSync(sync$) : sync$,
    keysApi: changes === undefined ? keysApi : { ...keysApi, changes },
    scheduler,
    store: ownStore,
    ...options,
  });
  const problems = problemsOf(tracker);
  if (connected) tracker.connect();
  if (isNew) server.step(null);
  if (tracked.length > 0) tracker.track(tracked).subscribe();
  return {
    tracker,
    homeserver: server,
    store: ownStore,
    ...problems,
    synced$: tracker.synced$.pipe(map(({ next_batch }) => next_batch)),
    lookup: (users, lookupOptions) => tracker.getDeviceKeys(users, lookupOptions).pipe(map(summary)),
    known: (users) => tracker.getKnownDeviceKeys(users).pipe(map(summary)),
    watch: (users) => tracker.watchDeviceKeys(users).pipe(map(summary)),
    expectQueries: (...expected) => {
      m.afterwards(() => {
        expect(queries().map(queryLine)).toEqual(expected);
      });
    },
  };
}

/** A tracker in another tab on the same store, whose sync stream is silent while the first tab syncs. */
export function otherTab(m: Marbles, first: Pick<UnderTest, "homeserver" | "store">, options: SetUp = {}): UnderTest {
  const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records });
  return setUp(m, { homeserver: first.homeserver, store, sync$: NEVER, ...options });
}

/** The tracker of the page after the first one, on what that one saved. */
export function restarted(m: Marbles, first: Pick<UnderTest, "homeserver" | "store">, options: SetUp = {}): UnderTest {
  return otherTab(m, first, { sync$: first.homeserver.sync$, ...options });
}

/** The stream, which begins with an initial sync when it is first subscribed to. */
function afterInitialSync(sync$: Observable<SyncResponse>): Observable<SyncResponse> {
  let isFirst = true;
  return defer(() => {
    if (!isFirst) return sync$;
    isFirst = false;
    return sync$.pipe(startWith(INITIAL_SYNC));
  });
}

function problemsOf(tracker: DeviceTracker): Pick<UnderTest, "problems" | "problems$"> {
  const problems: TrackerProblem[] = [];
  const problems$ = new ReplaySubject<TrackerProblem["type"]>(Number.POSITIVE_INFINITY);
  tracker.problems$.subscribe((problem) => {
    problems.push(problem);
    problems$.next(problem.type);
  });
  return { problems, problems$ };
}

function homeserverWith(
  devices: NonNullable<SetUp["devices"]>,
  answerAfter: number,
  { scheduler }: Pick<Marbles, "scheduler">,
): ScriptedHomeserver {
  const homeserver = new ScriptedHomeserver({ scheduler, answerAfter });
  for (const [userId, deviceIds] of Object.entries(devices))
    for (const deviceId of deviceIds) homeserver.addDevice(userId, deviceId);
  return homeserver;
}

/** The homeserver's keys API as one of several trackers uses it. */
function observed({ keysApi, queries }: ScriptedHomeserver, altered: SetUp["altered"]) {
  const ours: number[] = [];
  const query: KeysApi["query"] = (request) =>
    defer(() => {
      ours.push(queries.length);
      const response$ = keysApi.query(request);
      if (altered === undefined) return response$;
      return response$.pipe(
        map((response) => altered(response, Object.keys(request.device_keys)) as KeysQueryResponse),
      );
    });
  return {
    keysApi: { ...keysApi, query },
    queries: () => ours.flatMap((index) => queries[index] ?? []),
  };
}

function queryLine({ userIds, sentAt, answeredAt, abortedAt }: ScriptedQuery): string {
  const end = answeredAt ?? abortedAt ?? "";
  return `${sentAt}-${end} ${userIds.map(localpart).join(" ")}${abortedAt === undefined ? "" : " (aborted)"}`;
}
