export { feedSync, type SyncFeed } from "./feed-sync.js";
export { keysQueryResponse } from "./keys-query-response.js";
export type { KeyQueryMachine, MachineModule, OutgoingRequest, SyncMachine } from "./machine.js";
export { serveKeyQueries, type ServeOptions } from "./serve-key-queries.js";
export type { ServedKeys } from "./served-keys.js";
export type { ServingTracker } from "./serving-tracker.js";
export type { RefusedDevices } from "./to-response.js";
