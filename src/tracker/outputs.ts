import { Subject, type Observable } from "rxjs";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceChanges } from "../model/results.js";
import type { DeviceUpdate } from "../model/updates.js";
import { Activity } from "./activity.js";
import { EmissionQueue } from "./emission-queue.js";
import { ResponseStreams, type End } from "./response-streams.js";

/** Everything that a tracker emits, except the results of calls, in one order. */
export class Outputs {
  readonly emissions = new EmissionQueue();
  readonly responses = new ResponseStreams(this.emissions);
  readonly activity = new Activity();
  readonly #deviceChanges$ = new Subject<DeviceChanges>();
  readonly #deviceUpdates$ = new Subject<DeviceUpdate>();
  readonly #problems$ = new Subject<TrackerProblem>();

  get deviceChanges$(): Observable<DeviceChanges> {
    return this.#deviceChanges$;
  }

  get deviceUpdates$(): Observable<DeviceUpdate> {
    return this.#deviceUpdates$;
  }

  get problems$(): Observable<TrackerProblem> {
    return this.#problems$;
  }

  readonly report = (problem: TrackerProblem): void => {
    this.emissions.enqueue(() => {
      this.#problems$.next(problem);
    });
  };

  reportAll(problems: readonly TrackerProblem[]): void {
    for (const problem of problems) this.report(problem);
  }

  readonly updated = (update: DeviceUpdate): void => {
    this.emissions.enqueue(() => {
      this.#deviceUpdates$.next(update);
    });
  };

  /** Call it from inside an emission. */
  emitChanges(changes: DeviceChanges): void {
    this.#deviceChanges$.next(changes);
  }

  finish(end: End): void {
    this.responses.finish(end);
    this.emissions.enqueue(() => {
      this.#deviceChanges$.complete();
      this.#deviceUpdates$.complete();
      this.#problems$.complete();
    });
  }
}
