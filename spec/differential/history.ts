import { write } from "./json.js";
import { KeyRing, type KeyPair } from "./key-pair.js";
import { honestResponse, ME, Person, USER_IDS } from "./person.js";
import { Random } from "../support/random.js";
import { Scene } from "./scene.js";
import { TAMPERINGS } from "./tamper-responses.js";

/** A response as the server sends it. */
export interface SentResponse {
  readonly text: string;
  /** The tamperings; none if the server is honest. */
  readonly tampered: readonly string[];
}

export interface History {
  readonly userIds: readonly string[];
  readonly unsignedDevices: "accept" | "refuse";
  readonly responses: readonly SentResponse[];
}

const names = [...TAMPERINGS.keys()];

/** One to three users who use their accounts, and one to four responses about them, a quarter of them honest. */
export function makeHistory(seed: number, pairs: readonly KeyPair[]): History {
  const random = new Random(seed);
  const keys = new KeyRing(pairs, random.below(pairs.length));
  const userIds = random.chance(0.5) ? USER_IDS.filter((userId) => userId !== ME) : USER_IDS;
  const people = userIds.slice(0, 1 + random.below(userIds.length)).map((userId) => new Person(userId, random, keys));
  const responses = Array.from({ length: 1 + random.below(4) }, (_, i) => {
    if (i > 0) for (const person of people) for (let count = random.below(3); count > 0; count--) person.live();
    const scene = new Scene(honestResponse(people), people, random, keys);
    const tampered = Array.from({ length: random.pick([0, 1, 1, 2]) }, () => random.pick(names));
    for (const name of tampered) TAMPERINGS.get(name)?.(scene);
    return { text: scene.edits.reduce((text, edit) => edit(text), write(scene.response)), tampered };
  });
  return {
    userIds: people.map(({ userId }) => userId),
    unsignedDevices: random.chance(0.7) ? "accept" : "refuse",
    responses,
  };
}
