import type { UserId } from "../../../src/model/ids.js";
import { devicesOf, versionOf } from "./proof-server.js";
import type { AnsweredUser, Told } from "./told.js";
import { positionOf, type Truth } from "./truth.js";

/** How many of the last events are told where something breaks. */
const LAST_EVENTS = 40;
/** Whatever else goes wrong and is mended, these never happen: the server gives nothing that could cause them. */
const NEVER = new Set([
  "records-damaged",
  "answer-refused",
  "sync-response-refused",
  "user-ids-refused",
  "store-cleared",
  "store-unavailable",
]);

/** Follows what a page tells, and compares it with the truth. */
export class Witness {
  /** What was promised and broken. */
  readonly breaches: string[] = [];
  readonly problems = new Map<string, number>();
  /** The greatest position of a response that was given to the tracker (-1: none) … */
  given = -1;
  /** … and of one that it said to be durable. */
  synced = -1;
  /** How often the page was loaded, and how often it came back from the back/forward cache. */
  starts = 0;
  restored = 0;
  frozen = false;
  reading = 0;
  updating = 0;
  /** Lookups that were answered, users that were `current` in them, and changes they were compared with. */
  lookups = 0;
  current = 0;
  readonly #name: string;
  readonly #truth: Truth;
  readonly #events: string[] = [];
  readonly #waiting = new Map<number, (users: readonly AnsweredUser[] | undefined) => void>();

  constructor(name: string, truth: Truth) {
    this.#name = name;
    this.#truth = truth;
  }

  /** What happened last, for people. */
  get lastEvents(): string {
    return `${this.#name}: ${this.#events.join(" · ")}`;
  }

  /** What a lookup comes to; `undefined` where it is not answered. */
  answered(id: number): Promise<readonly AnsweredUser[] | undefined> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Something that the page does not tell itself. */
  note(event: string): void {
    this.#events.push(`${(performance.now() / 1_000).toFixed(3)} ${event}`);
    if (this.#events.length > LAST_EVENTS) this.#events.shift();
  }

  hear(told: Told): void {
    if (told.type !== "store") this.note(summary(told));
    switch (told.type) {
      case "started":
        this.starts++;
        this.given = this.synced = -1;
        this.reading = this.updating = 0;
        this.frozen = false;
        break;
      case "restored":
        this.restored++;
        break;
      case "frozen":
      case "resumed":
        this.frozen = told.type === "frozen";
        break;
      case "given":
        if (this.frozen) this.#broken(`a frozen tab was given ${told.token}`);
        this.given = Math.max(this.given, positionOf(told.token) ?? 0);
        break;
      case "synced":
        this.synced = Math.max(this.synced, positionOf(told.token) ?? 0);
        break;
      case "store":
        if (this.frozen && (told.reading > this.reading || told.updating > this.updating))
          this.#broken("a frozen tab began a transaction, which blocks every other");
        ({ reading: this.reading, updating: this.updating } = told);
        break;
      case "lookup":
        break;
      case "answered":
        this.#compare(told.users);
        this.#settle(told.id, told.users);
        break;
      case "not answered":
        this.#broken(`lookup ${told.id} failed: ${told.message}`);
        this.#settle(told.id, undefined);
        break;
      case "problem":
        this.problems.set(told.problem, (this.problems.get(told.problem) ?? 0) + 1);
        if (NEVER.has(told.problem)) this.#broken(told.message);
        break;
      case "error":
        this.#broken(told.message);
        break;
    }
  }

  /** P1: as new as every change that the tracker had been given up to this moment. */
  #compare(users: readonly AnsweredUser[]): void {
    this.lookups++;
    for (const [user, freshness, devices] of users) {
      if (freshness !== "current") continue;
      this.current++;
      const announced = this.#truth.announced(user, this.given);
      if (announced === undefined) continue;
      const required = "version" in announced ? announced.version : versionIfBack(user, announced.at, this.#truth);
      if (required === undefined)
        this.#broken(`P1: ${user}, who left at ${announced.at}, is current; given up to ${this.given}`);
      else if (versionOf(devices) < required)
        this.#broken(
          `P1: ${user} is current with [${devices.join(" ")}], V${required} was announced at ${announced.at}; given up to ${this.given}`,
        );
    }
  }

  #settle(id: number, users: readonly AnsweredUser[] | undefined): void {
    this.#waiting.get(id)?.(users);
    this.#waiting.delete(id);
  }

  #broken(breach: string): void {
    this.breaches.push(`${this.#name}: ${breach}`);
    this.note(breach);
  }
}

/** Somebody who had left by then may have come back, and another tab have been told. */
function versionIfBack(user: UserId, since: number, truth: Truth): number | undefined {
  const later = truth.announced(user);
  return later !== undefined && later.at > since ? 0 : undefined;
}

/** Whoever is not current, or not as the server has them, when nothing has happened for a while. */
export function notAsTheServerHasIt(answered: readonly AnsweredUser[], truth: Truth): string[] {
  return answered
    .filter(
      ([user, freshness, devices]) =>
        freshness !== (truth.shared.has(user) ? "current" : "untracked") ||
        devices.join() !== devicesOf(user, truth).join(),
    )
    .map(
      ([user, freshness, devices]) =>
        `${user} is ${freshness} with [${devices.join(" ")}]; the server has [${devicesOf(user, truth).join(" ")}]${truth.shared.has(user) ? "" : ", untracked"}`,
    );
}

/** Who shares a room with us and is not tracked, though the list that is given for them is right. */
export function untrackedThoughShared(answered: readonly AnsweredUser[], truth: Truth): readonly UserId[] {
  return answered.flatMap(([user, freshness, devices]) =>
    freshness === "untracked" && truth.shared.has(user) && devices.join() === devicesOf(user, truth).join()
      ? [user]
      : [],
  );
}

function summary(told: Exclude<Told, { type: "store" }>): string {
  switch (told.type) {
    case "started":
    case "restored":
    case "frozen":
    case "resumed":
      return told.type;
    case "given":
    case "synced":
      return `${told.type} ${told.token}`;
    case "lookup":
      return `asks ${told.id}: ${told.users.map(short).join(" ")}`;
    case "answered":
      return `has ${told.id}: ${told.users.map(([user, freshness, devices]) => `${short(user)}=${freshness === "current" ? "" : `${freshness} `}V${versionOf(devices)}`).join(" ")}`;
    case "not answered":
      return `lookup ${told.id} failed: ${told.message}`;
    case "problem":
    case "error":
      return `${told.type}: ${told.message}`;
  }
}

const short = (user: UserId): string => user.slice(0, user.indexOf(":"));
