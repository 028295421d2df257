import type { UserId } from "../model/ids.js";
import type { UserDeviceKeys } from "../model/results.js";
import type { KeyQueryMachine } from "./machine.js";
import { toResponse, type RefusedDevices } from "./to-response.js";

/** `RequestType.KeysQuery` */
export const KEYS_QUERY = 1;
/** The ID of an answer to no request: the machine saves the lists, and its own requests stay open. */
export const UNASKED = "unasked";

/** What a machine receives under the ID of one request. */
export interface ListsToGive {
  readonly requestId: string;
  /** `undefined` for an invalid user ID: the machine receives an empty list, so that it stops asking. */
  readonly lists: ReadonlyMap<UserId, UserDeviceKeys | undefined>;
  /** Users of failed servers: the machine asks for them again after a while. */
  readonly unreachable: readonly UserId[];
  readonly refused?: RefusedDevices;
}

/**
 * Gives lists to a machine. A machine refuses a whole answer if it cannot read a part of it, such as a device ID that
 * is not valid Unicode. Each list is then given alone first, and refused ones are left out, so that no user can keep us
 * from learning the devices of others.
 * @returns the users with refused lists, and the reasons
 * @throws what the machine does if it refuses all answers
 */
export async function giveLists(
  machine: KeyQueryMachine,
  { requestId, lists, unreachable, refused }: ListsToGive,
): Promise<ReadonlyMap<UserId, unknown>> {
  // Some engines throw instead of returning a promise that rejects.
  const give = async (id: string, some: ListsToGive["lists"]) => {
    await machine.markRequestAsSent(id, KEYS_QUERY, toResponse(some, unreachable, refused));
  };
  try {
    await give(requestId, lists);
    return new Map();
  } catch {
    const unreadable = new Map<UserId, unknown>();
    for (const [userId, list] of lists)
      await give(UNASKED, new Map([[userId, list]])).catch((error: unknown) => unreadable.set(userId, error));
    await give(requestId, new Map(Array.from(lists).filter(([userId]) => !unreadable.has(userId))));
    return unreadable;
  }
}
