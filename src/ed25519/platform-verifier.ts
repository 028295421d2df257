import { config } from "rxjs";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import { strict, type Engine } from "./engine.js";
import { inSlices } from "./in-slices.js";
import { nextTask } from "./next-task.js";
import { noble } from "./noble.js";
import { webCrypto } from "./web-crypto.js";

/** How the platform's verifier is set up. */
export interface PlatformVerifierOptions {
  /** Told once, at the first use, where the platform has no ed25519 and JavaScript stands in for it, which takes 10 to 15 times as long; with the reason. */
  readonly onFallback?: (reason: unknown) => void;
}

/**
 * Verifies with WebCrypto where that has ed25519, else with `@noble/ed25519`, in slices of some milliseconds that let the page go on in between.
 *
 * 1. Which of the two it is, is found out at the first use, by verifying a signature that is known to hold; nothing is loaded before.
 * 2. What is not strict ({@link strict}) does not hold, on every platform.
 * 3. It fails only where there is no WebCrypto and `@noble/ed25519` cannot be loaded; the next call tries again.
 *
 * @example
 * ```ts
 * platformVerifier().verify([{ publicKey, message, signature }]).subscribe(([holds]) => console.log(holds)); // true
 * ```
 */
export function platformVerifier(options: PlatformVerifierOptions = {}): SignatureVerifier {
  let chosen: Promise<Engine> | undefined;

  const choose = async (): Promise<Engine> => {
    try {
      return await webCrypto();
    } catch (reason) {
      const engine = await noble();
      try {
        options.onFallback?.(reason);
      } catch (error) {
        (config.onUnhandledError ?? console.error)(error); // the caller's handler threw: not this verification's error
      }
      return engine;
    }
  };
  const engine = () =>
    (chosen ??= choose().catch((error: unknown) => {
      chosen = undefined;
      throw error;
    }));
  return inSlices({ engine: async () => strict(await engine()), nextTask, now: () => performance.now() });
}
