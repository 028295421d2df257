// Two sides, measured in turn in one process: what the machine does meanwhile slows both, and their ratio stays.

/** Rounds that count; odd, so that the median is a round that took place. */
const ROUNDS = 9;
/** Rounds before them, for the compilers and the caches. */
const WARM_UP_ROUNDS = 3;

/**
 * @typedef {() => number | Promise<number>} Sample does the work once, whatever it has to prepare first, and gives the milliseconds that count
 * @typedef {{ median: number, low: number, high: number }} Spread the median, and the quarters below and above it
 * @typedef {{ ours: Spread, peer: Spread, ratio: Spread }} Comparison `ratio`: peer's time by ours, round by round; above 1 ours is faster
 */

/** Milliseconds since an arbitrary moment. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * The milliseconds that an action takes, on the average of `times`: more than one where it is short, and done often in life.
 * @param {() => unknown} action
 */
export async function elapsed(action, times = 1) {
  const start = now();
  for (let i = 0; i < times; i++) await action();
  return (now() - start) / times;
}

/**
 * Measures both sides round by round, the one that begins changing with every round.
 * @param {Sample} ours
 * @param {Sample} peer
 * @returns {Promise<Comparison>}
 */
export async function compare(ours, peer) {
  const { ours: a, peer: b } = await interleave({ ours, peer });
  return { ours: spread(a), peer: spread(b), ratio: spread(b.map((time, i) => time / a[i])) };
}

/**
 * Measures any number of samples round by round, in an order that turns with every round.
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
