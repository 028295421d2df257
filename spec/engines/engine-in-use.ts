import * as wasm from "@matrix-org/matrix-sdk-crypto-wasm";
import type { EngineModule } from "./engine-module.js";
import { nativeEngine } from "./native-engine.js";

/** Whether the specs run with the native engine: `npm run proof:native` sets it. */
export const isNative = process.env.PROOF_NATIVE !== undefined;

let engine: Promise<EngineModule> | undefined;

/** The engine that the specs run with. */
export function engineInUse(): Promise<EngineModule> {
  engine ??= isNative ? nativeEngine() : wasm.initAsync().then(() => wasm);
  return engine;
}
