/** How long a leader may take to answer, in ms. */
const ONE_SECOND = 1_000;
/** What it grows to at most, in ms. */
const MOST = 32_000;
/** After this long without a deposition it is what it was, in ms. */
const FORGOTTEN = 60_000;

/**
 * How long the leader may take to answer before it is deposed. Doubled by every deposition that comes within a minute of the one before: on a machine so busy
 * that no tab answers within a second, tabs that depose each other would keep it busy.
 */
export interface Patience {
  /** How long the leader may take, by what happened until now. */
  readonly ms: number;
  /** When a leader was last deposed, in ms; undefined where none was. */
  readonly lastDeposed: number | undefined;
}

export const patient: Patience = { ms: ONE_SECOND, lastDeposed: undefined };

/** A leader has been deposed just now, by whomever. */
export function afterDeposing(patience: Patience, now: number): Patience {
  return { ms: Math.min(MOST, patienceAt(patience, now) * 2), lastDeposed: now };
}

/** How long the leader may take to answer what it is asked now, in ms. */
export function patienceAt({ ms, lastDeposed }: Patience, now: number): number {
  return lastDeposed === undefined || now - lastDeposed > FORGOTTEN ? ONE_SECOND : ms;
}
