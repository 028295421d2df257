/** A function, and what it captured. */
interface Exposed {
  __site?: number;
  __captured?: (() => readonly unknown[]) | undefined;
}

/**
 * Remembers where a function was made, and what it captured; gives the function. Those of one site with the same captured values do the same.
 */
export function noteCaptured<F>(site: number | string, made: F, captured?: () => readonly unknown[]): F {
  const exposed = made as Exposed;
  exposed.__site = typeof site === "number" ? site : hashOf(site);
  exposed.__captured = captured;
  return made;
}

function hashOf(text: string): number {
  let hash = 2_166_136_261; // FNV-1a
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619);
  return hash;
}

/** What is made once, such as a method, a prototype or a symbol: known by itself. */
export class Statics {
  readonly #ids = new Map<unknown, number>();

  idOf(value: unknown): number {
    let id = this.#ids.get(value);
    if (id === undefined) this.#ids.set(value, (id = this.#ids.size));
    return id;
  }

  get size(): number {
    return this.#ids.size;
  }
}

/** What comes next in a walk. */
const MARK = {
  undefined: 1,
  null: 2,
  true: 3,
  false: 4,
  number: 5,
  static: 6,
  again: 7,
  function: 8,
  array: 9,
  map: 10,
  set: 11,
  object: 12,
  end: 13,
} as const;

/** A subject's copy of its observers while they are told: `null`, or the same as `observers`. */
const DERIVED = "currentObservers";

/** Strings of which each has a hash as it is and one as it is when names are exchanged; kept from one walk to the next. */
export class ExchangedStrings {
  readonly #hashes = new Map<string, readonly [plain: number, exchanged: number]>();
  readonly #exchange: (text: string) => string;

  constructor(exchange: (text: string) => string) {
    this.#exchange = exchange;
  }

  hashes(text: string): readonly [plain: number, exchanged: number] {
    let hashes = this.#hashes.get(text);
    if (hashes === undefined) this.#hashes.set(text, (hashes = [hashOf(text), hashOf(this.#exchange(text))]));
    return hashes;
  }
}

/** 64 bits of a walk. */
class Mixed {
  high = 0x1234_5678;
  low = 0x2345_6789;

  mix(word: number): void {
    const high = Math.imul(this.high ^ word, 0x9e37_79b1);
    const low = Math.imul((this.low + word) | 0, 0x85eb_ca6b) ^ (high >>> 15);
    this.high = high ^ (low >>> 13);
    this.low = low;
  }

  get print(): Print {
    const high = Math.imul(this.high ^ (this.low >>> 16), 0xc2b2_ae35);
    const low = Math.imul(this.low ^ (high >>> 15), 0x27d4_eb2f);
    return { high: (high ^ (low >>> 13)) >>> 0, low: low >>> 0 };
  }
}

/** A fingerprint of 64 bits. */
export interface Print {
  readonly high: number;
  readonly low: number;
}

/**
 * The fingerprint of everything that can be reached from some values: properties, entries, what functions captured. Objects are numbered as they are met, so
 * that two which look the same are told apart by who else refers to them, and nothing depends on which objects they are. What has the same fingerprint
 * therefore does the same from now on. One walk gives two: of the values as they are, and of the values with names exchanged.
 */
export class HeapPrint {
  readonly #plain = new Mixed();
  readonly #exchanged = new Mixed();
  readonly #met = new Map<object, number>();
  readonly #statics: Statics;
  readonly #strings: ExchangedStrings;

  constructor(statics: Statics, strings: ExchangedStrings) {
    this.#statics = statics;
    this.#strings = strings;
  }

  get plain(): Print {
    return this.#plain.print;
  }

  get exchanged(): Print {
    return this.#exchanged.print;
  }

  add(value: unknown): void {
    switch (typeof value) {
      case "undefined":
        return this.#mix(MARK.undefined);
      case "boolean":
        return this.#mix(value ? MARK.true : MARK.false);
      case "number":
        this.#mix(MARK.number);
        this.#mix(value | 0);
        if ((value | 0) !== value) this.#mixString(String(value));
        return;
      case "string":
        return this.#mixString(value);
      case "function":
        return this.#addFunction(value);
      case "object":
        return value === null ? this.#mix(MARK.null) : this.#addObject(value);
      default:
        return this.#addStatic(value);
    }
  }

  /** Adds two numbers whose places are exchanged with the names. */
  addPair(one: number, other: number): void {
    this.#plain.mix(one);
    this.#plain.mix(other);
    this.#exchanged.mix(other);
    this.#exchanged.mix(one);
  }

  #mix(word: number): void {
    this.#plain.mix(word);
    this.#exchanged.mix(word);
  }

  #mixString(text: string): void {
    const [plain, exchanged] = this.#strings.hashes(text);
    this.#plain.mix(plain);
    this.#exchanged.mix(exchanged);
  }

  #addStatic(value: unknown): void {
    this.#mix(MARK.static);
    this.#mix(this.#statics.idOf(value));
  }

  /** Whether it was met before. */
  #meet(value: object): boolean {
    const met = this.#met.get(value);
    if (met === undefined) {
      this.#met.set(value, this.#met.size);
      return false;
    }
    this.#mix(MARK.again);
    this.#mix(met);
    return true;
  }

  #addFunction(made: Exposed & object): void {
    const { __site, __captured } = made;
    if (__site === undefined) return this.#addStatic(made);
    if (this.#meet(made)) return;
    this.#mix(MARK.function);
    this.#mix(__site);
    if (__captured !== undefined) for (const captured of __captured()) this.add(captured);
  }

  #addObject(value: object): void {
    if (this.#meet(value)) return;
    if (Array.isArray(value)) {
      this.#mix(MARK.array);
      this.#mix(value.length);
      for (const element of value) this.add(element);
    } else if (value instanceof Map) {
      this.#mix(MARK.map);
      this.#mix(value.size);
      for (const [key, entry] of value) {
        this.add(key);
        this.add(entry);
      }
    } else if (value instanceof Set) {
      this.#mix(MARK.set);
      this.#mix(value.size);
      for (const element of value) this.add(element);
    } else {
      if (value instanceof WeakMap || value instanceof WeakSet || value instanceof Promise)
        throw new Error("what this keeps cannot be looked at");
      this.#mix(MARK.object);
      this.#mix(this.#statics.idOf(Object.getPrototypeOf(value)));
      for (const key of Object.keys(value)) {
        if (key === DERIVED) continue;
        this.#mixString(key);
        this.add((value as Record<string, unknown>)[key]);
      }
      if (value instanceof Error) this.add(value.message);
      this.#mix(MARK.end);
    }
  }
}
