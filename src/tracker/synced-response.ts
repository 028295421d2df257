import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { SyncResponse } from "../model/wire.js";

type Named = "changed" | "left";

/**
 * What `synced$` emits of a response, without the body, which would stay in memory while the store fails. It may stand
 * for several consecutive responses: it then begins where the first one began, and has the device lists of all.
 */
export class SyncedResponse {
  readonly #next: string;
  #since: string | null | undefined;
  /** The lists of one response, as the server sent them. */
  readonly #lists: unknown;
  /** The last mention of each user, if it stands for several. */
  #named: Map<UserId, Named> | undefined;

  constructor({ since, next_batch, device_lists }: SyncResponse) {
    this.#next = next_batch;
    this.#since = since;
    this.#lists = device_lists;
  }

  get value(): SyncResponse {
    const lists = this.#named === undefined ? this.#lists : listsOf(this.#named);
    return {
      next_batch: this.#next,
      ...(this.#since !== undefined && { since: this.#since }),
      ...(lists !== undefined && { device_lists: lists }),
    } as SyncResponse;
  }

  /** Merges an earlier one, which must not be used any more. Costs time in the number of users that this one names. */
  follow(earlier: SyncedResponse): void {
    const named = earlier.#named ?? noteUsers(earlier.#lists, new Map());
    this.#named = noteUsers(this.#lists, named);
    this.#since = earlier.#since;
  }
}

function noteUsers(lists: unknown, named: Map<UserId, Named>): Map<UserId, Named> {
  for (const kind of ["changed", "left"] as const) {
    const users = isObject(lists) ? lists[kind] : undefined;
    for (const userId of Array.isArray(users) ? (users as unknown[]) : []) {
      if (typeof userId === "string") named.set(userId, kind);
    }
  }
  return named;
}

function listsOf(named: ReadonlyMap<UserId, Named>): Record<Named, readonly UserId[]> {
  const users = (kind: Named) => Array.from(named).flatMap(([userId, was]) => (was === kind ? [userId] : []));
  return { changed: users("changed"), left: users("left") };
}
