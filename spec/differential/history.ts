import { write } from "./json.js";
import { KeyRing, type KeyPair } from "./key-pair.js";
import { honestAnswer, ME, Person, USER_IDS } from "./person.js";
import { Random } from "../support/random.js";
import { Scene } from "./scene.js";
import { TAMPERINGS } from "./tamper-answers.js";

/** An answer as the server sends it. */
export interface SentAnswer {
  readonly text: string;
  /** What was done to it; nothing, where the server is honest. */
  readonly tampered: readonly string[];
}

export interface History {
  readonly userIds: readonly string[];
  readonly unsignedDevices: "accept" | "refuse";
  readonly answers: readonly SentAnswer[];
}

const names = [...TAMPERINGS.keys()];

/** One account's life: one to three users, who do what owners do, and one to three answers about them, a quarter of them honest. */
export function makeHistory(seed: number, pairs: readonly KeyPair[]): History {
  const random = new Random(seed);
  const keys = new KeyRing(pairs, random.below(pairs.length));
  const userIds = random.chance(0.5) ? USER_IDS.filter((userId) => userId !== ME) : USER_IDS;
  const people = userIds.slice(0, 1 + random.below(userIds.length)).map((userId) => new Person(userId, random, keys));
  const answers = Array.from({ length: 1 + random.below(3) }, (_, i) => {
    if (i > 0) for (const person of people) for (let count = random.below(3); count > 0; count--) person.live();
    const scene = new Scene(honestAnswer(people), people, random, keys);
    const tampered = Array.from({ length: random.pick([0, 1, 1, 2]) }, () => random.pick(names));
    for (const name of tampered) TAMPERINGS.get(name)?.(scene);
    return { text: scene.edits.reduce((text, edit) => edit(text), write(scene.answer)), tampered };
  });
  return {
    userIds: people.map(({ userId }) => userId),
    unsignedDevices: random.chance(0.7) ? "accept" : "refuse",
    answers,
  };
}
