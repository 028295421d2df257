import { CollectStrategy } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { RoomRecipientPolicy } from "../../src/rooms/room-recipients.js";

/** A strategy of theirs, and the policy of ours that is closest to it. */
export interface PolicyPair {
  readonly ours: RoomRecipientPolicy;
  readonly theirs: () => CollectStrategy;
}

export const POLICIES = {
  identity: { ours: {}, theirs: () => CollectStrategy.identityBasedStrategy() },
  "identity, strict": { ours: { strict: true }, theirs: () => CollectStrategy.identityBasedStrategy() },
  all: { ours: { devices: "all" }, theirs: () => CollectStrategy.allDevices() },
  "all, strict": {
    ours: { devices: "all", strict: true },
    theirs: () => CollectStrategy.errorOnUnverifiedUserProblem(),
  },
  trusted: { ours: {}, theirs: () => CollectStrategy.onlyTrustedDevices() },
} as const satisfies Readonly<Record<string, PolicyPair>>;

export type PolicyName = keyof typeof POLICIES;
