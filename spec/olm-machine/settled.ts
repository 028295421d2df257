/** Turns of the event loop until all promises have settled. */
const TURNS = 3;

/** Lets all promises settle. */
export async function settled(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
}
