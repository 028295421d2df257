/*
 * The methods of an engine that are used here. They fit the `OlmMachine` of `@matrix-org/matrix-sdk-crypto-wasm` and of
 * `@matrix-org/matrix-sdk-crypto-nodejs`. Arguments are objects of those modules: hence `never`.
 */

/** A request that a machine wants to send. */
export interface OutgoingRequest {
  readonly id?: string | undefined;
  /** `RequestType`; 1 is a `/keys/query`. */
  readonly type: number;
  /** JSON. */
  readonly body?: string;
}

/** An engine that asks for device lists. */
export interface KeyQueryMachine {
  /** A user ID of the machine's module; its constructor creates others. */
  readonly userId: object;
  /** Returns new objects for each caller, as engines do: they are freed once they have been read. */
  outgoingRequests(): Promise<readonly OutgoingRequest[]>;
  markRequestAsSent(requestId: string, requestType: number, response: string): Promise<unknown>;
  updateTrackedUsers(users: never[]): Promise<unknown>;
}

/** An engine that reads sync responses; `Events` is its result for to-device messages. */
export interface SyncMachine<Events = unknown> {
  /** A user ID of the machine's module; its constructor creates others. */
  readonly userId: object;
  receiveSyncChanges(
    toDeviceEvents: string,
    changedDevices: never,
    oneTimeKeyCounts: never,
    unusedFallbackKeys: never,
  ): Promise<Events>;
  /**
   * The same, but key counts that are missing have not changed. Engines without it may take them for zero, as
   * `receiveSyncChanges` of today does: they are given the last ones again.
   */
  receiveSyncChangesMsc4186?(
    toDeviceEvents: string,
    changedDevices: never,
    oneTimeKeyCounts: never,
    unusedFallbackKeys: never,
  ): Promise<Events>;
}

/** The module of an engine, such as `import * as wasm from "@matrix-org/matrix-sdk-crypto-wasm"`. */
export interface MachineModule {
  readonly DeviceLists: new (changed: never, left: never) => object;
}
