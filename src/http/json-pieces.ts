/** How many characters are parsed at a time. JSON.parse takes less than a millisecond for these. */
const PIECE_LENGTH = 16_384;
/**
 * How deep objects and arrays are taken apart: an event in a room's timeline is the sixth level of a sync response.
 * Deeper levels are parsed whole.
 */
const MAX_DEPTH = 6;

export interface JsonPiecesOptions {
  /** In characters. */
  readonly pieceLength?: number;
  /** An object with more members is returned as {@link TOO_MANY_MEMBERS}: creating it would block the page. */
  readonly maxMembers?: number;
}

/** Replaces an object. */
export const TOO_MANY_MEMBERS = "an object with too many members";

/**
 * Parses JSON as `JSON.parse` does, piece by piece, and yields after each piece: parsing a long text at once would
 * block the page. Objects and arrays that are longer than a piece are taken apart, the others are left to `JSON.parse`.
 *
 * @returns a generator that returns the value, or throws a `SyntaxError`
 */
export function* jsonPieces(text: string, options: JsonPiecesOptions = {}): Generator<void, unknown> {
  const reader = new PieceReader(text, options);
  const value = yield* reader.value(0);
  reader.end();
  return value;
}

const SPACE = /[ \t\n\r]*/uy;
const SCALAR = /[^ \t\n\r,\]}]+/uy;
/** Character codes. */
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

class PieceReader {
  readonly #text: string;
  readonly #pieceLength: number;
  readonly #maxMembers: number;
  #at = 0;
  #lastYield = 0;

  constructor(text: string, { pieceLength = PIECE_LENGTH, maxMembers = Number.POSITIVE_INFINITY }: JsonPiecesOptions) {
    this.#text = text;
    this.#pieceLength = pieceLength;
    this.#maxMembers = maxMembers;
  }

  *value(depth: number): Generator<void, unknown> {
    this.#skip(SPACE);
    const first = this.#text.charCodeAt(this.#at);
    const isContainer = first === OPEN_OBJECT || first === OPEN_ARRAY;
    if (isContainer && depth < MAX_DEPTH && this.#endOfContainer(this.#pieceLength) === undefined)
      return first === OPEN_OBJECT ? yield* this.#object(depth) : yield* this.#array(depth);
    const from = this.#at;
    if (isContainer) this.#at = this.#endOfContainer(Number.POSITIVE_INFINITY) ?? this.#fail();
    else if (first === QUOTE) this.#at = this.#endOfString(from);
    else this.#skip(SCALAR);
    const value: unknown = JSON.parse(this.#text.slice(from, this.#at));
    yield* this.#pause();
    return value;
  }

  /** Checks that nothing follows. */
  end(): void {
    this.#skip(SPACE);
    if (this.#at < this.#text.length) this.#fail();
  }

  *#object(depth: number): Generator<void, unknown> {
    const object: Record<string, unknown> = {};
    let members = 0;
    const add = (name: string, value: unknown) => {
      if (++members > this.#maxMembers) return;
      // A property like any other, also in an object with a prototype that has a setter of that name.
      if (name === "__proto__")
        Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
      else object[name] = value;
    };
    this.#at++;
    if (this.#take(CLOSE_OBJECT)) return object;
    do {
      const several = this.#several();
      if (several !== undefined) {
        const part = JSON.parse(`{${several}}`) as Record<string, unknown>;
        for (const name of Object.keys(part)) add(name, part[name]);
        yield* this.#pause();
      } else {
        const name = this.#name();
        add(name, yield* this.value(depth + 1));
      }
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE_OBJECT)) this.#fail();
    return members > this.#maxMembers ? TOO_MANY_MEMBERS : object;
  }

  *#array(depth: number): Generator<void, unknown> {
    const array: unknown[] = [];
    this.#at++;
    if (this.#take(CLOSE_ARRAY)) return array;
    do {
      const several = this.#several();
      if (several !== undefined) {
        for (const item of JSON.parse(`[${several}]`) as unknown[]) array.push(item);
        yield* this.#pause();
      } else array.push(yield* this.value(depth + 1));
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE_ARRAY)) this.#fail();
    return array;
  }

  /** Takes as many members as fit in a piece; `undefined` if the next one is longer. */
  #several(): string | undefined {
    this.#skip(SPACE);
    const from = this.#at;
    const end = this.#endOfMembers();
    if (end === undefined) return undefined;
    if (end === from) this.#fail(); // a comma without a member
    this.#at = end;
    return this.#text.slice(from, end);
  }

  /** Returns where the last member that fits in a piece ends: at a comma, or at the end of the object or array. */
  #endOfMembers(): number | undefined {
    const last = Math.min(this.#text.length, this.#at + this.#pieceLength);
    let depth = 0;
    let end: number | undefined;
    for (let i = this.#at; i < last; i++) {
      const character = this.#text.charCodeAt(i);
      if (character === QUOTE) {
        i = this.#quoteAfter(i);
        if (i === -1) return end;
      } else if (character === COMMA) {
        if (depth === 0) end = i;
      } else if (character === OPEN_OBJECT || character === OPEN_ARRAY) depth++;
      else if ((character === CLOSE_OBJECT || character === CLOSE_ARRAY) && depth-- === 0) return i;
    }
    return end;
  }

  #name(): string {
    const from = this.#at;
    if (this.#text.charCodeAt(from) !== QUOTE) this.#fail();
    this.#at = this.#endOfString(from);
    const name = JSON.parse(this.#text.slice(from, this.#at)) as string;
    if (!this.#take(COLON)) this.#fail();
    return name;
  }

  /** Yields if a piece has been parsed since the last time. */
  *#pause(): Generator<void, void> {
    if (this.#at - this.#lastYield < this.#pieceLength / 2) return;
    this.#lastYield = this.#at;
    yield;
  }

  /** Skips the next character, after spaces, if it is this one. Returns whether it was. */
  #take(character: number): boolean {
    this.#skip(SPACE);
    const isNext = this.#text.charCodeAt(this.#at) === character;
    if (isNext) this.#at++;
    return isNext;
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) this.#fail();
    this.#at = pattern.lastIndex;
  }

  /**
   * Returns where the object or array that begins here ends; `undefined` if that is further away. `JSON.parse` checks
   * it.
   */
  #endOfContainer(within: number): number | undefined {
    const last = Math.min(this.#text.length, this.#at + within);
    let depth = 0;
    for (let i = this.#at; i < last; i++) {
      const character = this.#text.charCodeAt(i);
      if (character === QUOTE) {
        i = this.#quoteAfter(i);
        if (i === -1) return undefined;
      } else if (character === OPEN_OBJECT || character === OPEN_ARRAY) depth++;
      else if ((character === CLOSE_OBJECT || character === CLOSE_ARRAY) && --depth === 0) return i + 1;
    }
    return undefined;
  }

  #endOfString(from: number): number {
    const quote = this.#quoteAfter(from);
    return quote === -1 ? this.#fail() : quote + 1;
  }

  /** Returns the end of the string that begins here, or -1. */
  #quoteAfter(from: number): number {
    let at = from;
    do at = this.#text.indexOf('"', at + 1);
    while (at !== -1 && this.#isEscaped(at));
    return at;
  }

  #isEscaped(at: number): boolean {
    let from = at;
    while (this.#text.charCodeAt(from - 1) === BACKSLASH) from--;
    return (at - from) % 2 === 1;
  }

  #fail(): never {
    throw new SyntaxError(`JSON: unexpected character at position ${this.#at}`);
  }
}
