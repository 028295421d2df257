import type { UserId } from "../../../src/model/ids.js";
import type { Random } from "../../support/random.js";
import { ALL_USERS, OTHERS, OWN_USER, type Truth } from "./truth.js";

/** Random changes: users get and replace devices, leave our rooms and come back. */
export class Unrest {
  /** How many there were. */
  changes = 0;
  readonly #truth: Truth;
  readonly #random: Random;
  #timer: NodeJS.Timeout | undefined;

  constructor(truth: Truth, random: Random) {
    this.#truth = truth;
    this.#random = random;
  }

  /** @param pace the longest time from one change to the next, in ms */
  resume(pace: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#happen();
        this.resume(pace);
      },
      this.#random.between(1, pace),
    );
  }

  pause(): void {
    clearTimeout(this.#timer);
  }

  /** Changes that no poll can see one by one. */
  change(count: number): void {
    for (let i = 0; i < count; i++) this.#happen();
  }

  #happen(): void {
    const truth = this.#truth;
    const random = this.#random;
    const sharing = truth.sharing();
    const away = ALL_USERS.filter((user) => !sharing.includes(user));
    const leaving = sharing.filter((user) => user !== OWN_USER);
    const what = random.next();
    const some = (users: readonly UserId[]) => random.some(users, random.between(1, 3));
    this.changes++;
    if (what < 0.15 && away.length > 0) for (const user of some(away)) truth.join(user);
    else if (what < 0.25 && leaving.length > OTHERS.length / 2) truth.leave(random.pick(leaving));
    else if (what < 0.3 && away.length > 0)
      truth.change(random.pick(away)); // not announced
    else for (const user of some(sharing)) truth.change(user);
  }
}
