import type { UserId } from "../model/ids.js";
import { free } from "./free.js";

type UserIdClass = new (userId: string) => object;

/** Converts user IDs to those of the machine's module. Skips those that it cannot represent: it has no such user. */
export function machineUserIds(machine: { readonly userId: object }, userIds: Iterable<UserId>): never[] {
  const own = machine.userId;
  const MachineUserId = own.constructor as UserIdClass;
  free(own);
  const ids: object[] = [];
  for (const userId of userIds) {
    try {
      ids.push(new MachineUserId(userId));
    } catch {
      // A server name that the engine does not accept, for example.
    }
  }
  return ids as never[];
}
