/** Decisions by chance that the seed repeats. */
export interface Chance {
  /** From 0 to 1, without 1. */
  real(): number;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  /** True as often as that. */
  happens(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** So many different ones, or all where there are fewer. */
  some<T>(from: readonly T[], count: number): T[];
}

/** The seed to use: given by `PROPERTY_SEED`, or a new one. */
export const seedOfRun = (): number => Number(process.env.PROPERTY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Mulberry32: small, and good enough to decide what happens next. */
export function seeded(seed: number): Chance {
  let state = seed >>> 0;
  const real = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(real() * (most - least + 1));
  return {
    real,
    between,
    happens: (probability) => real() < probability,
    pick: (from) => {
      const picked = from[between(0, from.length - 1)];
      if (picked === undefined) throw new Error("there is nothing to pick from");
      return picked;
    },
    some: (from, count) => {
      const rest = [...from];
      return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(between(0, rest.length - 1), 1)).flat();
    },
  };
}
