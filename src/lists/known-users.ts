import { map, type Observable } from "rxjs";
import { StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import type { DeviceStore } from "../store/device-store.js";
import { listKey, OWNER, readOwner, type OwnerRecord } from "../store/records.js";
import type { KnownUser } from "../trust/trust-chain.js";
import type { UsersInMemory } from "./edit-user.js";
import { readListRecord } from "./list-record.js";

/** Emits what is known of these users: the last lists and the saved pins. Fails if the store cannot be read. */
export function knownUsers(
  userIds: readonly UserId[],
  store: DeviceStore,
  { memory, pendingEdits }: Pick<UsersInMemory, "memory" | "pendingEdits">,
  isOurs: (owner: OwnerRecord | undefined) => boolean,
): Observable<readonly KnownUser[]> {
  return store.read([OWNER, ...userIds.map(listKey)]).pipe(
    map(([owner, ...records]) => {
      if (!isOurs(readOwner(owner))) throw new StoreClearedError();
      return userIds.map((userId, i) => {
        const { saved, pins } = readListRecord(records[i], userId);
        const list = memory.last(userId)?.list ?? (saved && pendingEdits.list(userId, saved.list));
        return { list, pins: pendingEdits.pins(userId, pins) };
      });
    }),
  );
}
