/** Environment variables that ask for a longer run than `npm test`. */
const LONG_RUNS = ["PROPERTY_RUNS", "PROOF_KILLS", "PROOF_MINUTES", "PROOF_SYNAPSE", "DIFFERENTIAL_ANSWERS"];
const isLong = LONG_RUNS.some((name) => process.env[name] !== undefined);

/**
 * The seed of every random choice in the specs, `PROPERTY_SEED` if set. `npm test` always uses the same one, so that a new failure is due to a change of
 * the code. A long run draws a new one and prints it, to be repeated.
 */
export const SEED = Number(process.env.PROPERTY_SEED ?? (isLong ? Math.floor(Math.random() * 2 ** 30) : 1));
if (!Number.isSafeInteger(SEED)) throw new RangeError("PROPERTY_SEED: expected a whole number");
