import { Person } from "./person.mjs";

export const HALL = "!hall:home.example";
const GUESTS = 5_000;
const DEVICES = 3;

/**
 * The members of a great room. Their keys are made when they are first asked for: for 5,000 people that takes some
 * seconds in all.
 */
export class Crowd {
  userIds = Array.from({ length: GUESTS }, (_, i) => `@guest${i + 1}:crowd.example`);
  #isGuest = new Set(this.userIds);
  /** @type {Map<string, Person>} */
  #people = new Map();

  /** A guest with three devices and an identity that has signed them; `undefined` if there is none of this name. */
  person(/** @type {string} */ userId) {
    if (!this.#isGuest.has(userId)) return undefined;
    const known = this.#people.get(userId);
    if (known !== undefined) return known;
    const person = new Person(userId);
    person.resetIdentity();
    for (let i = 0; i < DEVICES; i++) person.signIn();
    person.signDevices();
    this.#people.set(userId, person);
    return person;
  }
}
