import { defer, ignoreElements, tap, type Observable, type SchedulerLike } from "rxjs";
import type { Chain } from "../store/chain.js";
import { inSlices } from "../store/in-slices.js";
import type { Tracking } from "../sync/tracking.js";
import type { Doubt } from "./doubt.js";
import type { Outputs } from "./outputs.js";

export interface ChangeTargets {
  readonly chain: Chain;
  readonly tracking: Tracking;
  readonly doubt: Doubt;
  readonly outputs: Outputs;
}

/**
 * Applies parts of a change in slices, and then `last`. Until then, other changes and lookups wait, the tracked set is
 * not emitted, and no list is called current.
 */
export function applyInParts(
  parts$: Observable<() => void>,
  last: () => void,
  { chain, tracking, doubt, outputs }: ChangeTargets,
  scheduler: SchedulerLike,
): Observable<never> {
  return defer(() => {
    doubt.openGap();
    return parts$.pipe(
      inSlices(scheduler),
      tap({
        next: (apply) => {
          tracking.holdSet(true);
          outputs.emissions.batch(apply);
        },
        complete: () => {
          outputs.emissions.batch(() => {
            last();
            outputs.emissions.enqueue(() => {
              tracking.holdSet(false);
            });
            doubt.closeGap();
            if (chain.isBehind && chain.failing) doubt.goOnInDoubt();
            chain.commitPending();
          });
        },
      }),
      ignoreElements(),
    );
  });
}
