export const ME = "@me:x";
export const BOB = "@bob:x";
export const CAROL = "@carol:x";
export const USERS = [BOB, CAROL] as const;
export type User = (typeof USERS)[number];

/** A user by name, for people. */
export const nameOf = (userId: string): string => userId.slice(1, -2);

/** A text with the names of the two users exchanged. */
export const exchange = (text: string): string =>
  text.replace(/bob|carol/gu, (name) => (name === "bob" ? "carol" : "bob"));

export const tokenOf = (position: number): string => `s${position}`;
export const positionOf = (token: string): number => Number(token.slice(1));

/** What is true: every change has a position, a token is the name of one, and a list's version is the position of its newest change. */
export class Truth {
  readonly log: User[] = [];
  /** Where a response ended: the other tab may be given the same. */
  readonly cuts = new Set<number>();

  get now(): number {
    return this.log.length;
  }

  /** The version of the user's list as of a position. */
  version(user: User, upTo = this.now): number {
    return upTo === 0 ? 0 : this.log.lastIndexOf(user, upTo - 1) + 1;
  }

  /** Whose lists changed between two positions, in the order in which they did: so that no user comes first for their name. */
  changedIn(from: number, to: number): User[] {
    return USERS.filter((user) => this.version(user, to) > from).sort(
      (one, other) => this.version(one, to) - this.version(other, to),
    );
  }

  /** Where a response to this position may end. */
  ends(since: number | null): number[] {
    if (since === this.now) return [];
    const cut =
      since === null
        ? undefined
        : [...this.cuts].filter((end) => end > since && end < this.now).sort((a, b) => a - b)[0];
    return cut === undefined ? [this.now] : [cut, this.now];
  }
}
