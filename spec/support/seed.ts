/** How one asks for more than `npm test` does. */
const isLong = ["PROPERTY_RUNS", "PROOF_RUNS", "PROOF_KILLS", "PROOF_MINUTES", "DIFFERENTIAL_ANSWERS"].some(
  (name) => process.env[name] !== undefined,
);

/**
 * The seed of all that is drawn by chance; `PROPERTY_SEED` gives it. `npm test` has the same one each time: what fails there is what was changed. A long run draws a new one, and looks where
 * nobody has looked; each prints its seed, to be run again.
 */
export const SEED = Number(process.env.PROPERTY_SEED ?? (isLong ? Math.floor(Math.random() * 2 ** 30) : 1));
if (!Number.isSafeInteger(SEED)) throw new RangeError("PROPERTY_SEED: expected a whole number");
