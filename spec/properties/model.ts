import type { UserId } from "../../src/model/ids.js";
import { ME, type StepShape } from "./commands.js";

/*
 * The truth, and what a tracker has been told of it.
 *
 * Whatever happens on the server has a position, and a token is the name of one. A user's list has the position of its newest change for a version, which its only
 * device is named after (V7): so whoever holds a list can be told how old it is.
 */

export const token = (position: number): string => `s${position}`;
export const positionOf = (saved: string): number => Number(saved.slice(1));

/** One answer of the server's sync. */
export interface Response {
  /** The position that it answers; `null`: it is an initial one. */
  readonly since: number | null;
  /** Everything up to this position is in it, or hidden by it. */
  readonly upTo: number;
  /** The position that its token names, if it has one. */
  readonly next: number | undefined;
  readonly shape: StepShape;
  /** Whom it names, as far as that can be read. */
  readonly changed: ReadonlySet<UserId>;
  readonly left: ReadonlySet<UserId>;
  /** Whether changes of others may be hidden in it. */
  readonly hides: boolean;
}

/** What is true. */
export class Server {
  readonly down = new Set<string>();
  #position = 0;
  readonly #versions = new Map<UserId, number>();
  readonly #sharing = new Set<UserId>([ME]);
  readonly #log: {
    readonly position: number;
    readonly user: UserId;
    readonly kind: "changed" | "left";
    readonly version: number;
  }[] = [];

  get position(): number {
    return this.#position;
  }

  /** The user's keys change; that is announced where they share a room with us. */
  change(user: UserId): void {
    this.#position++;
    this.#versions.set(user, this.#position);
    if (this.#sharing.has(user)) this.#announce(user, "changed");
  }

  join(user: UserId): void {
    this.#position++;
    this.#sharing.add(user);
    this.#announce(user, "changed");
  }

  leave(user: UserId): void {
    this.#position++;
    if (user !== ME) this.#sharing.delete(user);
    this.#announce(user, "left");
  }

  /** The version of the user's list now. */
  version(user: UserId): number {
    return this.#versions.get(user) ?? 0;
  }

  /** The newest version that was announced up to a position. */
  announced(user: UserId, upTo: number): number {
    return (
      this.#log.findLast((entry) => entry.user === user && entry.kind === "changed" && entry.position <= upTo)
        ?.version ?? 0
    );
  }

  /** Whom it announces between two positions. */
  between(from: number, to: number): { readonly changed: ReadonlySet<UserId>; readonly left: ReadonlySet<UserId> } {
    const last = new Map<UserId, "changed" | "left">();
    for (const { position, user, kind } of this.#log) if (position > from && position <= to) last.set(user, kind);
    const named = (kind: "changed" | "left") =>
      new Set([...last].flatMap(([user, was]) => (was === kind ? [user] : [])));
    return { changed: named("changed"), left: named("left") };
  }

  sync(since: number | null, shape: StepShape): Response {
    const position = this.#position;
    const response = {
      since,
      upTo: position,
      next: position,
      shape,
      ...this.between(since ?? position, position),
      hides: false,
    };
    const nobody = new Set<UserId>();
    switch (shape) {
      case "with the token it answers":
      case "with the token it answers, without since":
        return { ...response, next: since ?? this.#position };
      case "that is no object":
      case "without a token":
        return { ...response, next: undefined, changed: nobody, left: nobody, hides: true };
      case "whose lists are no object":
        return { ...response, changed: nobody, left: nobody, hides: true };
      case "whose changed is no array":
        return { ...response, changed: nobody, hides: true };
      case "with entries that are no strings":
      case "whose since is no token":
        return { ...response, hides: true };
      case "plain":
      case "without since":
      case "naming users twice":
      case "with IDs that are none":
        return response;
    }
  }

  #announce(user: UserId, kind: "changed" | "left"): void {
    this.#log.push({ position: this.#position, user, kind, version: this.version(user) });
  }
}

/** Whether a response may come without its `since`; only where it does follow what came before it, or it would hide a gap. */
const mayLackSince = ({ shape, since }: Response): boolean =>
  since !== null && (shape === "without since" || shape === "with the token it answers, without since");

/** What one tracker has been told, and what it must therefore know. */
export class Told {
  readonly #server: Server;
  /** Users of whom it must know that they are tracked. */
  readonly tracked: Set<UserId>;
  /** The position on which it stands. */
  position: number | undefined;
  /** Whether it was told something twice, or missed something: then it may know better than this model what came of it. */
  uncertain = false;
  readonly #versions = new Map<UserId, number>();
  readonly #invalidations = new Map<UserId, number>();
  readonly #steps: Response[] = [];

  /** @param tracked whom the store says are tracked. Every change up to the saved token counts as told. */
  constructor(server: Server, position: number | undefined, tracked: Iterable<UserId>) {
    this.#server = server;
    this.position = position;
    this.tracked = new Set([ME, ...tracked]);
    for (const user of this.tracked) this.#versions.set(user, server.announced(user, position ?? 0));
  }

  /** The newest change of the user's list that it has been told of. */
  version(user: UserId): number {
    return this.#versions.get(user) ?? 0;
  }

  /** How often something was told after which a query for the user that had been sent before can no longer be relied on. */
  invalidations(user: UserId): number {
    return this.#invalidations.get(user) ?? 0;
  }

  /** The token which a response says it answers, when it is given now; `undefined`: it does not say. */
  sinceOf(response: Response): number | null | undefined {
    return response.shape === "whose since is no token" || (mayLackSince(response) && response.since === this.position)
      ? undefined
      : response.since;
  }

  step(response: Response): void {
    this.#steps.push(response);
    this.#step(response);
    for (const user of new Set([...this.tracked, ...response.changed, ...response.left])) {
      this.#versions.set(user, Math.max(this.version(user), this.#server.announced(user, response.upTo)));
    }
  }

  track(users: Iterable<UserId>): void {
    for (const user of users) {
      if (this.tracked.has(user)) continue;
      this.tracked.add(user);
      this.#invalidate(user);
    }
  }

  /** The saved state turned out not to be there: what was told is all that there is. */
  startsEmpty(): void {
    this.tracked.clear();
    this.tracked.add(ME);
    this.position = undefined;
    for (const response of this.#steps) this.#step(response);
  }

  #step(response: Response): void {
    const { changed, left, hides, next } = response;
    const gap = this.#isGap(response);
    // It may find out what it missed; when, and from whom, is its own affair. Only the account's first initial sync is applied at once.
    if (gap && (this.position !== undefined || response.since !== null)) this.uncertain = true;
    if (hides || gap) for (const user of this.tracked) this.#invalidate(user);
    for (const user of [...changed, ...left]) this.#invalidate(user);
    for (const user of left) if (user !== ME) this.tracked.delete(user);
    for (const user of changed) this.tracked.add(user);
    this.position = next ?? this.position;
  }

  #isGap(response: Response): boolean {
    if (response.next === undefined) return false;
    const since = this.sinceOf(response);
    if (since === undefined || since === this.position) return false;
    return since === null || since === response.next || response.next !== this.position;
  }

  #invalidate(user: UserId): void {
    this.#invalidations.set(user, this.invalidations(user) + 1);
  }
}
