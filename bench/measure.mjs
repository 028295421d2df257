// Measures two sides in turn in one process: other load on the machine slows both, and their ratio stays.

/** Rounds that count; odd, so that the median is one of them. */
const ROUNDS = 9;
/** Rounds before them, to warm up compilers and caches. */
const WARM_UP_ROUNDS = 3;

/**
 * @typedef {() => number | Promise<number>} Sample does the work once, with any preparation, and returns the milliseconds that count
 * @typedef {{ median: number, low: number, high: number }} Spread the median and the quartiles
 * @typedef {{ ours: Spread, peer: Spread, ratio: Spread }} Comparison `ratio`: the peer's time divided by ours, round by round; above 1, ours is faster
 */

/** Milliseconds since an arbitrary moment. */
const now = () => performance.now();

/**
 * The milliseconds that an action takes, averaged over `times`: more than one if it is short.
 * @param {() => unknown} action
 */
export async function elapsed(action, times = 1) {
  const start = now();
  for (let i = 0; i < times; i++) await action();
  return (now() - start) / times;
}

/**
 * Measures both sides round by round; they take turns in beginning.
 * @param {Sample} ours
 * @param {Sample} peer
 * @returns {Promise<Comparison>}
 */
export async function compare(ours, peer) {
  const { ours: a, peer: b } = await interleave({ ours, peer });
  return { ours: spread(a), peer: spread(b), ratio: spread(b.map((time, i) => time / a[i])) };
}

/**
 * Measures any number of samples round by round, in an order that rotates with every round.
 * @template {string} Name
 * @param {Record<Name, Sample>} samples
 * @returns {Promise<Record<Name, number[]>>} each one's milliseconds in every round that counts
 */
export async function interleave(samples, rounds = ROUNDS, warmUp = WARM_UP_ROUNDS) {
  const names = /** @type {Name[]} */ (Object.keys(samples));
  const times = /** @type {Record<Name, number[]>} */ (Object.fromEntries(names.map((name) => [name, []])));
  for (let round = -warmUp; round < rounds; round++) {
    const first = Math.abs(round) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const time = await samples[name]();
      if (round >= 0) times[name].push(time);
    }
  }
  return times;
}

/**
 * @param {readonly number[]} values
 * @returns {Spread}
 */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => sorted[Math.round((sorted.length - 1) * part)];
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}
