import { config } from "rxjs";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import { strict, type Engine } from "./engine.js";
import { SlicedVerifier } from "./sliced-verifier.js";
import { nextTask } from "../page/next-task.js";
import { noble } from "./noble.js";
import { webCrypto } from "./web-crypto.js";

export interface PlatformVerifierOptions {
  /**
   * Called once, on first use, with the reason why the platform has no ed25519; JavaScript replaces it, 10 to 15 times
   * slower.
   */
  readonly onFallback?: (reason: unknown) => void;
}

/**
 * Verifies signatures with WebCrypto if it supports ed25519, or else with `@noble/ed25519`, in slices of a few
 * milliseconds that do not block the page.
 *
 * 1. On first use, it verifies a known signature to test whether WebCrypto supports ed25519. Nothing is loaded earlier.
 * 2. Keys and signatures with points of small order, or in a non-canonical encoding, are invalid on every platform.
 * 3. Fails only if WebCrypto has no ed25519 and `@noble/ed25519` cannot be loaded. The next call tries again.
 *
 * @example
 * ```ts
 * platformVerifier().verify([{ publicKey, message, signature }]).subscribe(([valid]) => console.log(valid)); // true
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
        (config.onUnhandledError ?? console.error)(error); // thrown by the application's handler
      }
      return engine;
    }
  };
  const engine = (isStuck: boolean) => {
    if (isStuck) chosen = undefined;
    return (chosen ??= choose().catch((error: unknown) => {
      chosen = undefined;
      throw error;
    }));
  };
  return new SlicedVerifier({
    engine: async (isStuck) => strict(await engine(isStuck)),
    nextTask,
    now: () => performance.now(),
    after: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return () => {
        clearTimeout(timer);
      };
    },
  });
}
