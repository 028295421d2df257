import { Subject, type Observable } from "rxjs";
import type { DeviceLists } from "../../../src/model/wire.js";
import type { UserId } from "../../../src/model/ids.js";

/** What was last announced of a user: that they changed, and the version that their list had then, or that they left. */
export type Announced =
  { readonly version: number; readonly at: number } | { readonly left: true; readonly at: number };

/**
 * What the server knows: everybody's list, as a version, and what it has announced at each position of its stream. A list changes at once and is
 * announced later; a token is the position up to which a client has been told.
 */
export class Truth {
  readonly #own: UserId;
  readonly #versions = new Map<UserId, number>();
  readonly #shared = new Set<UserId>();
  readonly #unannounced = new Set<UserId>();
  /** Who is named at each position, from the first on. */
  readonly #named: (readonly UserId[])[] = [];
  readonly #history = new Map<UserId, Announced[]>();
  readonly #announced$ = new Subject<void>();

  constructor(own: UserId) {
    this.#own = own;
    this.#shared.add(own);
  }

  /** After each announcement. */
  get announced$(): Observable<void> {
    return this.#announced$;
  }

  get position(): number {
    return this.#named.length;
  }

  /** Who shares an encrypted room with us, ourselves included. */
  get shared(): ReadonlySet<UserId> {
    return this.#shared;
  }

  version(user: UserId): number {
    return this.#versions.get(user) ?? 1;
  }

  /** Keys of a user change. Those who share no room with us are never announced. */
  change(user: UserId): void {
    this.#versions.set(user, this.version(user) + 1);
    if (this.#shared.has(user)) this.#unannounced.add(user);
  }

  join(user: UserId): void {
    this.#shared.add(user);
    this.#unannounced.add(user);
  }

  leave(user: UserId): void {
    if (user === this.#own) return;
    this.#shared.delete(user);
    this.#unannounced.add(user);
  }

  /** Announces what has happened since the last time, at one position. */
  announce(): void {
    if (this.#unannounced.size === 0) return;
    const named = [...this.#unannounced];
    this.#unannounced.clear();
    this.#named.push(named);
    for (const user of named) {
      const announced: Announced = this.#shared.has(user)
        ? { version: this.version(user), at: this.position }
        : { left: true, at: this.position };
      const history = this.#history.get(user);
      if (history === undefined) this.#history.set(user, [announced]);
      else history.push(announced);
    }
    this.#announced$.next();
  }

  /** What was announced of a user last, up to this position. */
  announced(user: UserId, upTo: number = this.position): Announced | undefined {
    return this.#history.get(user)?.findLast(({ at }) => at <= upTo);
  }

  /** Whoever was ever announced. */
  get everAnnounced(): Iterable<UserId> {
    return this.#history.keys();
  }

  /** What a client at one position is told of the way to another. */
  lists(from: number, to: number): Required<DeviceLists> {
    const named = new Set(this.#named.slice(from, to).flat());
    const has = (left: boolean) => (user: UserId) => {
      const announced = this.announced(user, to);
      return announced !== undefined && "left" in announced === left;
    };
    return { changed: [...named].filter(has(false)), left: [...named].filter(has(true)) };
  }
}

export const tokenAt = (position: number): string => `t${position}`;

/** `undefined` for what is no token of this server. */
export function positionOf(token: string | null | undefined): number | undefined {
  const [, position] = /^t(\d+)$/u.exec(token ?? "") ?? [];
  return position === undefined ? undefined : Number(position);
}
