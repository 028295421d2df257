import type { UserId } from "../../../src/model/ids.js";
import type { Listed, PageEvent } from "./page-events.js";

/** How many of the last events are shown if a promise is broken. */
const LAST_EVENTS = 40;

/** What is known of one life of a tab from outside. */
export class TabRecord {
  readonly name: string;
  readonly problems = new Map<string, number>();
  /** The greatest position that the tracker has been given: by its own stream, or by a step of another tab. */
  given = -1;
  /** The greatest position that `synced$` has emitted. */
  synced = -1;
  /** Tokens of its own stream that `applied$` has yet to emit. */
  unapplied: string[] = [];
  tracked: readonly UserId[] | undefined;
  watched: readonly Listed[] | undefined;
  isAsleep = false;
  openTransactions = 0;
  /** The number of the last event. */
  lastEvent = 0;
  /** How often the page was loaded, and how often it woke up. */
  loads = 0;
  wakes = 0;
  /** Lookups that were answered, and users that were `current` in them. */
  lookups = 0;
  current = 0;
  readonly #events: string[] = [];
  readonly #waiting = new Map<number, (users: readonly Listed[] | undefined) => void>();

  constructor(name: string) {
    this.name = name;
  }

  /** The last events, for a failure message. */
  get lastEvents(): string {
    return `${this.name}: ${this.#events.join(" · ")}`;
  }

  /** The page was loaded: nothing that it reported before holds. */
  restart(): void {
    this.loads++;
    this.given = this.synced = -1;
    this.unapplied = [];
    this.tracked = this.watched = undefined;
    this.isAsleep = false;
    this.openTransactions = 0;
  }

  note(event: string): void {
    this.#events.push(`${(performance.now() / 1_000).toFixed(3)} ${event}`);
    if (this.#events.length > LAST_EVENTS) this.#events.shift();
  }

  /** The result of a lookup; `undefined` if it fails. */
  result(id: number): Promise<readonly Listed[] | undefined> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  settle(id: number, users: readonly Listed[] | undefined): void {
    this.#waiting.get(id)?.(users);
    this.#waiting.delete(id);
  }
}

/** An event in a few words; `undefined` if it is not worth any. */
export function describe(event: PageEvent): string | undefined {
  switch (event.type) {
    case "transactions":
      return undefined;
    case "given":
    case "applied":
    case "announced":
    case "synced":
      return `${event.type} ${event.token.replace(/_.*/u, "")}`;
    case "tracked":
      return `tracks ${event.users.length}`;
    case "lookup":
      return `lookup ${event.id}: ${namesOf(event.users)}`;
    case "answered":
      return `result ${event.id}: ${statesOf(event.users)}`;
    case "failed":
      return `lookup ${event.id} failed: ${event.message}`;
    case "watched":
      return `shows ${statesOf(event.users)}`;
    case "problem":
    case "poll failed":
    case "error":
      return `${event.type}: ${event.message}`;
    default:
      return event.type;
  }
}

/** The users of each freshness; how many there are if there are many. */
function statesOf(users: readonly Listed[]): string {
  const states = new Map<string, UserId[]>();
  for (const [user, freshness] of users) states.set(freshness, [...(states.get(freshness) ?? []), user]);
  return Array.from(states, ([freshness, of]) => `${freshness} ${namesOf(of)}`).join(", ");
}

const namesOf = (users: readonly UserId[]): string =>
  users.length > 3 ? String(users.length) : users.map(short).join("+");

const short = (user: UserId): string => user.slice(1, user.indexOf(":"));
