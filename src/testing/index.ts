export { ContractBrokenError } from "./contract/contract-broken-error.js";
export { deviceStoreContract, type StoreTest } from "./device-store-contract.js";
export {
  ScriptedHomeserver,
  type ScriptedHomeserverOptions,
  type ScriptedMembersRequest,
  type ScriptedQuery,
} from "./scripted-homeserver.js";
export type { ScriptedRoom, ScriptedRooms } from "./scripted-rooms.js";
export { ScriptedStore, type ScriptedStoreOptions, type StoreOperation } from "./scripted-store.js";
export { ScriptedVerifier, type ScriptedVerifierOptions } from "./scripted-verifier.js";
export { testDevice } from "./test-device.js";
