import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { Application } from "./application.js";
import { Synapse } from "./synapse.js";

/** `npm run proof:synapse` sets it. */
const isWanted = process.env.PROOF_SYNAPSE !== undefined;

/** Installing takes a minute, in ms; a slow machine may be slow. */
const START_TIMEOUT = 600_000;

export interface RealHomeservers {
  /** Running for the whole suite, and federating with each other. */
  readonly servers: readonly Synapse[];
  /** Starts the package as an application uses it. It is closed after the test. */
  readonly application: (...options: ConstructorParameters<typeof Application>) => Application;
}

/** A suite on real servers of its own. */
export function onSynapse(
  title: string,
  options: { readonly servers?: number; readonly tokenLifetime?: number },
  suite: (homeservers: RealHomeservers) => void,
): void {
  if (!isWanted) console.warn(`Skipping "${title}": npm run proof:synapse runs it.`);
  describe.runIf(isWanted)(title, () => {
    const servers: Synapse[] = [];
    const applications: Application[] = [];
    beforeAll(async () => {
      servers.push(...(await Synapse.startAll(options.servers ?? 1, options)));
    }, START_TIMEOUT);
    afterEach(() => {
      for (const application of applications.splice(0)) application.close();
    });
    afterAll(async () => {
      await Promise.all(servers.map((server) => server.remove()));
    });
    suite({
      servers,
      application: (...session) => {
        const application = new Application(...session);
        applications.push(application);
        return application;
      },
    });
  });
}
