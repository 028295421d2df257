import type { SchedulerLike } from "rxjs";
import { serverName, type UserId } from "../model/ids.js";
import type { ParsedResponse } from "./parse-response.js";

/** How long a failed server is remembered, in ms: doubled by each further failure, up to {@link LONGEST_MEMORY}. */
const FIRST_MEMORY = 60_000;
const LONGEST_MEMORY = 600_000;
/**
 * How many failed servers are remembered; beyond this, the one that failed longest ago is forgotten. Only servers of
 * queried users count.
 */
export const MAX_FAILED_SERVERS = 1_000;

interface Failures {
  readonly at: number;
  readonly count: number;
}

/**
 * Remembers homeservers that failed when their users were last queried: waiting for one costs a lookup 10 s.
 *
 * A server is remembered for a minute after the first failure, doubling to ten minutes with each further one, and
 * forgotten when it answers. Our own server is never remembered: it returned the response, and most users belong to it.
 */
export class FailedServers {
  readonly #ownServer: string;
  readonly #scheduler: SchedulerLike;
  /** In the order of the last failures. Expired entries are kept, so that the next failure doubles the time. */
  readonly #failures = new Map<string, Failures>();

  constructor(ownUserId: UserId, scheduler: SchedulerLike) {
    this.#ownServer = serverName(ownUserId);
    this.#scheduler = scheduler;
  }

  /** True if the user's server failed recently, so that it is not worth waiting for. */
  hasFailed(userId: UserId): boolean {
    const failures = this.#failures.size === 0 ? undefined : this.#failures.get(serverName(userId));
    if (failures === undefined) return false;
    const passed = this.#scheduler.now() - failures.at;
    // Setting the clock back must not prolong it.
    return passed >= 0 && passed < Math.min(FIRST_MEMORY * 2 ** (failures.count - 1), LONGEST_MEMORY);
  }

  /**
   * Updates the failed servers from a response.
   *
   * 1. A server has failed if one of its users was not answered because of it, even if other users were: the homeserver
   *    may know those, and the query still had to wait.
   * 2. Any other server that was queried and answered is forgotten.
   * @param sentAt when the query was sent: failures of concurrent queries count once
   */
  learn({ isReachable, hasServerFailed }: ParsedResponse, userIds: readonly UserId[], sentAt: number): void {
    const failed = new Set(userIds.filter(hasServerFailed).map(serverName));
    if (failed.size === 0 && this.#failures.size === 0) return;
    for (const userId of userIds) {
      const server = serverName(userId);
      if (!failed.has(server) && isReachable(userId)) this.#failures.delete(server);
    }
    failed.delete(this.#ownServer);
    for (const server of failed) this.#fail(server, sentAt);
  }

  #fail(server: string, sentAt: number): void {
    const before = this.#failures.get(server);
    const count = before === undefined ? 1 : before.count + (sentAt >= before.at ? 1 : 0);
    this.#failures.delete(server);
    this.#failures.set(server, { at: this.#scheduler.now(), count });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_FAILED_SERVERS && oldest !== undefined) this.#failures.delete(oldest);
  }
}
