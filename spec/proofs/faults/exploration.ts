import fc from "fast-check";
import { arbitraryHistory } from "../../properties/arbitrary-history.js";
import type { Command, Setup } from "../../properties/commands.js";
import { World } from "../../properties/world.js";
import { faultsOf, type Fault } from "./faults.js";
import { Operations, type PlannedFault } from "./operations.js";

type Script = readonly [setup: Setup, commands: readonly Command[]];

/** What happens in a script at the most: many of it, for much of it does not touch the store. */
const MAX_LENGTH = 80;

/** Of one tracker or two, without troubles of its own. */
const scripts = fc
  .oneof(arbitraryHistory(1, MAX_LENGTH), arbitraryHistory(2, MAX_LENGTH))
  .map(([setup, commands]): Script => [
    setup,
    commands.filter(({ type }) => type !== "store trouble" && type !== "clear"),
  ]);

/** How long a script that breaks a promise is made shorter, in ms. */
const SHRINKING_TIME = 20_000;

/** A promise was broken with this fault, or without any. */
class BrokenError extends Error {
  readonly planned: PlannedFault | undefined;

  constructor(planned: PlannedFault | undefined, operation: string | undefined, cause: unknown) {
    const what =
      planned === undefined
        ? "without a fault"
        : `where operation ${planned.index} (${String(operation)}) ${planned.fault.name}`;
    super(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.planned = planned;
  }
}

/** Runs scripts once without a fault, and then once more for each of their operations and each fault that it can have. */
export class Exploration {
  readonly #takeUnhandled: () => readonly unknown[];
  scripts = 0;
  /** Operations of the scripts when nothing goes wrong. */
  operations = 0;
  /** Scripts that were run with a fault, up to the first that broke a promise. */
  histories = 0;
  /** How many lists were found current after crashes. */
  foundCurrent = 0;
  /** How often each fault happened to each kind of operation. */
  readonly hits = new Map<string, number>();

  constructor(takeUnhandled: () => readonly unknown[]) {
    this.#takeUnhandled = takeUnhandled;
  }

  /** Explores the script of this seed; gives what is broken with it, made as short as there is time for. */
  explore(seed: number): string | undefined {
    let found: { readonly fault: Fault | undefined; readonly at: number } | undefined;
    const result = fc.check(
      fc.property(scripts, (script) => {
        if (found !== undefined && performance.now() > found.at + SHRINKING_TIME) return;
        try {
          if (found === undefined) this.#everyFault(script);
          else this.#anywhere(script, found.fault);
        } catch (error) {
          if (error instanceof BrokenError) found ??= { fault: error.planned?.fault, at: performance.now() };
          throw error;
        }
      }),
      { seed, numRuns: 1, unbiased: true },
    );
    if (!result.failed) return undefined;
    const { errorInstance: error, counterexamplePath } = result;
    if (!(error instanceof BrokenError)) return `the script of seed ${seed}: ${String(error)}`;
    const { planned } = error;
    const name = [seed, counterexamplePath, ...(planned === undefined ? [] : [planned.index, planned.fault.name])].join(
      "/",
    );
    return `A promise is broken, after ${this.histories} histories; run exactly this again: PROOF_REPLAY=${name} npx vitest run --project node spec/proofs/faults\n${error.message}`;
  }

  /** Runs one script with one fault, as {@link explore} names it. */
  replay(name: string): void {
    const [seed, path, index, faultName] = name.split("/");
    const fault = faultsOf("update").find((one) => one.name === faultName);
    fc.assert(
      fc.property(scripts, (script) => {
        this.#run(script, fault && { index: Number(index), fault });
      }),
      {
        seed: Number(seed),
        unbiased: true,
        endOnFailure: true,
        numRuns: 1,
        ...(path !== undefined && { path }),
        includeErrorInReport: true,
      },
    );
  }

  #everyFault(script: Script): void {
    const { begun } = this.#run(script, undefined);
    this.scripts++;
    this.operations += begun.length;
    for (const [index, operation] of begun.entries()) {
      for (const fault of faultsOf(operation)) {
        this.histories++;
        const { hit, foundCurrent } = this.#run(script, { index, fault });
        this.foundCurrent += foundCurrent;
        const happened = hit === undefined ? "none: was unsubscribed" : `${hit} ${fault.name}`;
        this.hits.set(happened, (this.hits.get(happened) ?? 0) + 1);
      }
    }
  }

  /** This fault, or none, with each operation of a script that was made shorter. */
  #anywhere(script: Script, fault: Fault | undefined): void {
    const { begun } = this.#run(script, undefined);
    for (const [index, operation] of begun.entries()) {
      if (fault !== undefined && faultsOf(operation).includes(fault)) this.#run(script, { index, fault });
    }
  }

  #run([setup, commands]: Script, planned: PlannedFault | undefined): Operations {
    const operations = new Operations(planned);
    try {
      new World(setup, this.#takeUnhandled, operations).run(commands);
    } catch (error) {
      throw new BrokenError(planned, planned && operations.begun[planned.index], error);
    }
    return operations;
  }
}
