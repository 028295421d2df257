import { defer, ignoreElements, tap, type Observable } from "rxjs";
import { IdentityChangedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { Chain } from "../store/chain.js";
import type { DeviceList } from "../trust/device-list.js";
import { acknowledged, ownUserSigningKey } from "../trust/identity.js";
import { repinMasterKey } from "../trust/pins.js";
import { acknowledge, acknowledgeKeys } from "./acknowledge.js";
import type { UsersInMemory } from "./edit-user.js";
import type { ListMemory } from "./list-memory.js";

/** The identity to acknowledge: this master key of this user, or that the user has none. */
export interface IdentityToAcknowledge {
  readonly userId: UserId;
  readonly masterKey: string | undefined;
  readonly ownUserId: UserId;
  /** True if it is our own identity and a person has confirmed it. */
  readonly confirms: boolean;
  /** In ms since the epoch. */
  readonly at: number;
}

/**
 * Replaces a user's pinned master key, in the store and in memory. Completes when durable. Fails with {@link
 * IdentityChangedError} if the user is tracked and their master key has changed in the meantime.
 */
export function acknowledgeIdentity(
  identity: IdentityToAcknowledge,
  chain: Chain,
  { memory, unsaved }: Pick<UsersInMemory, "memory" | "unsaved">,
): Observable<never> {
  const { userId, masterKey, ownUserId, confirms, at } = identity;
  return defer(() =>
    chain.write({
      keys: acknowledgeKeys(userId),
      prepare: () => {
        const isTracked = chain.clone.users.has(userId);
        const acknowledgement = { ...identity, inMemory: memory.last(userId)?.list, isTracked };
        return (records, base) => {
          const result = acknowledge(records, base, acknowledgement);
          const isDone = result !== "nothing-to-do" && "list" in result;
          return { result, announce: isDone ? [{ type: "acknowledged", userId }] : [] };
        };
      },
    }),
  ).pipe(
    tap((result) => {
      if (result === "nothing-to-do") return;
      if ("masterKey" in result) throw new IdentityChangedError(userId, masterKey, result.masterKey);
      // Our own list need not be in memory.
      if (userId === ownUserId && result.list !== undefined) memory.setOurKey(ownUserSigningKey(result.list));
      unsaved.edit(userId, (pins) => repinMasterKey(pins, masterKey, confirms ? "verified" : "acknowledged", at));
      pinInMemory(identity, memory);
    }),
    ignoreElements(),
  );
}

function pinInMemory({ userId, masterKey, confirms, at }: IdentityToAcknowledge, memory: ListMemory): void {
  const cached = memory.last(userId);
  if (cached === undefined || (!confirms && cached.list.identity.masterKey !== masterKey)) return;
  const { pins, reported } = cached.beside;
  const list: DeviceList = { ...cached.list, identity: acknowledged(cached.list.identity, masterKey, confirms) };
  memory.replace(userId, list, cached.revision, {
    reported,
    pins: pins && repinMasterKey(pins, masterKey, confirms ? "verified" : "acknowledged", at),
  });
}
