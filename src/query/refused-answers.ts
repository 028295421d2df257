import type { RefusedPart } from "../keys/unverified-list.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";

/**
 * Up to this many users of one response are reported individually; if there are more, one report covers all of them.
 */
export const MAX_REPORTED_USERS = 20;

export class RefusedAnswers {
  readonly #report: (problem: TrackerProblem) => void;
  readonly #refused = new Map<UserId, readonly RefusedPart[]>();

  constructor(report: (problem: TrackerProblem) => void) {
    this.#report = report;
  }

  add(userId: UserId, refusals: readonly RefusedPart[]): void {
    if (refusals.length > 0) this.#refused.set(userId, refusals);
  }

  /** Reports what was added since the last call: one problem per user, or a single one if there are many users. */
  report(): void {
    const refused = [...this.#refused];
    this.#refused.clear();
    if (refused.length > MAX_REPORTED_USERS) this.#report(summaryOf(refused.map(([userId]) => userId)));
    else for (const [userId, parts] of refused) this.#report(problemOf(userId, parts));
  }
}

function problemOf(userId: UserId, parts: readonly RefusedPart[]): TrackerProblem {
  const path = parts[0]?.path ?? "device_keys";
  const [paths, problems] = [parts.map((part) => part.path).join(", "), parts.map(({ problem }) => problem).join("; ")];
  const message = `/keys/query returned something unusable for ${userId} in ${paths}, which was left out: ${problems}`;
  return { type: "answer-refused", userId, path, message };
}

function summaryOf(userIds: readonly UserId[]): TrackerProblem {
  const count = userIds.length;
  const message = `/keys/query returned something unusable for ${count} users of one request, which was left out`;
  return { type: "answers-refused", userIds: userIds.slice(0, MAX_REPORTED_USERS), count, message };
}
