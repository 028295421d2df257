import { map, NEVER, ReplaySubject, type Observable } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceTrackerOptions } from "../../src/tracker/options.js";
import type { UserId } from "../../src/model/ids.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import { keysApiOf, type ScriptedKeysApi } from "./keys-api-of.js";
import type { Marbles } from "./marbles.js";
import { summary } from "./summary.js";
import { ALICE } from "./users.js";

export interface TrackerSetUp extends Partial<DeviceTrackerOptions> {
  /** Users who are tracked, and outdated, from the start. */
  readonly tracking?: readonly UserId[];
  /** The responses of the keys API, one for each query. */
  readonly answers?: readonly Observable<KeysQueryResponse>[];
  /** The response of `/keys/changes`. */
  readonly changes?: KeysApi["changes"];
  /** @default whether `sync$` is given */
  readonly connected?: boolean;
}

export interface TrackerUnderTest extends Pick<ScriptedKeysApi, "asked$" | "requests"> {
  readonly tracker: DeviceTracker;
  /** The types of the tracker's problems, from the start. */
  readonly problems$: Observable<TrackerProblem["type"]>;
  readonly problems: readonly TrackerProblem[];
  /** `getDeviceKeys`, in summary. */
  readonly lookup: (
    users: readonly UserId[],
    options?: Parameters<DeviceTracker["getDeviceKeys"]>[1],
  ) => Observable<readonly string[]>;
  readonly known: (users: readonly UserId[]) => Observable<readonly string[]>;
  readonly watch: (users: readonly UserId[]) => Observable<readonly string[]>;
}

/** Alice's tracker in virtual time. */
export function trackerIn(
  { scheduler }: Pick<Marbles, "scheduler">,
  { tracking = [], answers = [], changes, connected, ...options }: TrackerSetUp = {},
): TrackerUnderTest {
  const keysApi = keysApiOf(answers, changes);
  const tracker = new DeviceTracker({ userId: ALICE, sync$: NEVER, keysApi, scheduler, ...options });
  const problems: TrackerProblem[] = [];
  const problems$ = new ReplaySubject<TrackerProblem["type"]>(Number.POSITIVE_INFINITY);
  tracker.problems$.subscribe((problem) => {
    problems.push(problem);
    problems$.next(problem.type);
  });
  if (tracking.length > 0) tracker.track(tracking).subscribe();
  if (connected ?? options.sync$ !== undefined) tracker.connect();
  return {
    tracker,
    asked$: keysApi.asked$,
    requests: keysApi.requests,
    problems,
    problems$,
    lookup: (users, lookupOptions) => tracker.getDeviceKeys(users, lookupOptions).pipe(map(summary)),
    known: (users) => tracker.getKnownDeviceKeys(users).pipe(map(summary)),
    watch: (users) => tracker.watchDeviceKeys(users).pipe(map(summary)),
  };
}
