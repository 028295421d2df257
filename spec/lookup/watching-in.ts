import { defer, merge, mergeMap, NEVER, of, Subject, timer, type Observable } from "rxjs";
import type { KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import type { Marbles } from "../support/marbles.js";
import { trackerIn, type TrackerSetUp, type TrackerUnderTest } from "../support/tracker-in.js";
import { BOB } from "../support/users.js";
import { answer, changed } from "../support/wire.js";

/** A tracker of Alice's that has had its first step and tracks Bob, unless it says otherwise. */
export const watchingIn = (
  m: Marbles,
  { sync$ = NEVER, ...setUp }: TrackerSetUp & { readonly sync$?: Observable<SyncResponse> },
): TrackerUnderTest =>
  trackerIn(m, { tracking: [BOB], ...setUp, sync$: merge(of({ next_batch: "s0", since: null }), sync$) });

/** The server's answer about Bob, with one device. */
export const bobHas = (deviceId: string): KeysQueryResponse => answer({ [BOB]: [deviceId] });
export const [B1, B2] = [bobHas("B1"), bobHas("B2")];

/** Bob, as a watcher shows him. */
export const SHOWN = {
  a: ["bob B1 current"],
  b: ["bob B2 current"],
  c: ["bob B3 current"],
  s: ["bob B1 superseded"],
  t: ["bob B2 superseded"],
  l: ["bob B1 untracked"],
  u: ["bob - unreachable"],
  v: ["bob B1 unreachable (last known B1)"],
  k: ["bob - unreachable (last known B1)"],
};

/** A server that announces Bob some time after each query for him, because of it. Times are in ms. */
export function echoingServer(
  m: Marbles,
  answer: () => Observable<KeysQueryResponse>,
  { echoAfter = 5, answerAfter = 0 } = {},
) {
  const sync$ = new Subject<SyncResponse>();
  const queriedAt: number[] = [];
  const query = () =>
    defer(() => {
      queriedAt.push(m.scheduler.now());
      if (queriedAt.length > 500) return NEVER; // a tracker that spins must not keep the test from ending
      timer(echoAfter, m.scheduler).subscribe(() => sync$.next(changed(BOB)));
      return answerAfter === 0 ? answer() : timer(answerAfter, m.scheduler).pipe(mergeMap(answer));
    });
  return { sync$, keysApi: { query, changes: () => NEVER }, queriedAt };
}
