import type * as wasm from "@matrix-org/matrix-sdk-crypto-wasm";

/** What the specs use of the module of an engine. */
export type EngineModule = Pick<typeof wasm, "DeviceId" | "DeviceLists" | "OlmMachine" | "RoomId" | "UserId">;
