import type { UserId } from "../../../src/model/ids.js";
import type { Random } from "../../support/random.js";
import type { Truth } from "./truth.js";

/** What happens to users while nobody looks: changes of keys, people who come and go, announced soon after. */
export interface Unrest {
  /** @param pace how long it takes from one change to the next at the most, in ms */
  resume(pace: number): void;
  /** Announces what is not announced yet; nothing happens until `resume()`. */
  pause(): void;
  /** How many changes there were. */
  readonly changes: number;
}

export function unrest(truth: Truth, users: readonly UserId[], random: Random): Unrest {
  let timer: NodeJS.Timeout | undefined;
  let changes = 0;
  const happen = () => {
    const what = random.next();
    const others = users.filter((user) => !truth.shared.has(user));
    const shared = [...truth.shared];
    if (what < 0.15 && others.length > 0)
      for (const user of random.some(others, random.between(1, 3))) truth.join(user);
    else if (what < 0.25 && shared.length > users.length / 2) truth.leave(random.pick(shared));
    else if (what < 0.3 && others.length > 0)
      truth.change(random.pick(others)); // of whom nobody is told until they join
    else for (const user of random.some(shared, random.between(1, 3))) truth.change(user);
    changes++;
    if (random.chance(0.6)) truth.announce(); // else it is late, and comes with what happens next
  };
  const next = (pace: number) => {
    timer = setTimeout(
      () => {
        happen();
        next(pace);
      },
      random.between(1, pace),
    );
  };
  return {
    resume: (pace) => {
      clearTimeout(timer);
      next(pace);
    },
    pause: () => {
      clearTimeout(timer);
      timer = undefined;
      truth.announce();
    },
    get changes() {
      return changes;
    },
  };
}
