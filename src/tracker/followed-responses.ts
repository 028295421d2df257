import type { SyncResponse } from "../model/wire.js";
import type { SyncStep } from "../store/change.js";
import { toResponse } from "./announced-changes.js";

/** Turns what other tabs committed back into responses: one that was committed in parts is emitted as one. */
export class FollowedResponses {
  /** Parts of a response that is not complete yet. */
  #parts: SyncStep[] = [];

  /**
   * Returns the responses that these steps complete.
   * @param isSummary true if the steps were missed: they are emitted as one
   */
  follow(all: readonly SyncStep[], isSummary: boolean): readonly SyncResponse[] {
    const steps = all.filter(({ next }) => next !== undefined); // other steps are not responses
    const [first] = steps;
    const responses = first === undefined || this.#parts.at(-1)?.next === first.since ? [] : this.cut();
    const last = steps.findLastIndex(({ isPartial }) => isPartial !== true);
    return responses.concat(
      steps.flatMap((step, i) => {
        this.#parts.push(step);
        return step.isPartial === true || (isSummary && i < last) ? [] : this.cut();
      }),
    );
  }

  /**
   * Returns the parts of a response that will not be completed: the tab that was committing it is gone, or was
   * overtaken.
   */
  cut(): readonly SyncResponse[] {
    const response = toResponse(this.#parts.splice(0));
    return response === undefined ? [] : [response];
  }
}
