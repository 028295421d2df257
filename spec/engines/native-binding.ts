/*
 * What is used of `@rocket.chat/forked-matrix-sdk-crypto-nodejs`: matrix-sdk-crypto of 2022, compiled for Node. Every
 * method is synchronous, and blocks until the engine is done. If the engine cannot read an argument, most end the
 * process.
 */

export interface NativeBinding {
  readonly SledBackedOlmMachine: new (userId: string, deviceId: string, folder: string) => SledBackedOlmMachine;
}

export interface SledBackedOlmMachine {
  readonly deviceId: string;
  /** JSON of `NativeRequest`. */
  readonly outgoingRequests: readonly string[];
  isUserTracked(userId: string): boolean;
  updateTrackedUsers(userIds: readonly string[]): void;
  getUserDevices(userId: string): readonly { readonly deviceId: string }[];
  markRequestAsSent(requestId: string, requestKind: number, response: string): void;
  /** @param events a `to_device` section */
  receiveSyncChanges(
    events: string,
    changes: { readonly changed: readonly string[]; readonly left: readonly string[] },
    keyCounts: Readonly<Record<string, string>>,
    unusedFallbackKeys: readonly string[] | null,
  ): string;
  /** JSON of a `NativeRequest`, or of an empty object. */
  getMissingSessions(userIds: readonly string[]): string;
  /** JSON of `NativeRequest`. */
  shareRoomKey(roomId: string, userIds: readonly string[]): readonly string[];
  encrypt(roomId: string, eventType: string, content: string): string;
  decryptRoomEvent(event: string, roomId: string): { readonly clearEvent: string };
}

export interface NativeRequest {
  readonly request_kind: string;
  readonly request_id: string;
  /** Of a `KeysQuery`. */
  readonly users?: readonly string[];
  /** Of a `KeysClaim`. */
  readonly one_time_keys?: object;
  /** Of a `ToDevice`. */
  readonly event_type?: string;
  readonly body?: object;
}
