import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { SavedState } from "../store/clone.js";
import type { SavedAccount } from "../store/load.js";
import type { Before, TrackedUsers } from "../store/tracked-users.js";
import type { ParsedPart } from "../sync/parse-step.js";
import { refusedIds } from "../sync/refused-ids.js";

/** Without records of these kinds, it is unknown which users are tracked. */
const STATE_KINDS: readonly string[] = ["account", "log", "snapshot"];

export function loadProblems({ damaged, replaced }: Pick<SavedAccount, "damaged" | "replaced">): TrackerProblem[] {
  const problems = Array.from(damaged, ([kind, ids]): TrackerProblem => {
    const lost = STATE_KINDS.includes(kind)
      ? "; all users but our own became untracked: call track() with the members of the encrypted rooms"
      : "";
    const message = `${ids.length} saved record(s) of kind "${kind}" cannot be trusted${lost}`;
    return { type: "records-damaged", kind, ids, message };
  });
  if (replaced === undefined) return problems;
  const message =
    `the device store had format ${replaced}, of an older version; it was replaced, ` +
    "and everything is fetched again";
  return [...problems, { type: "store-replaced", format: replaced, message }];
}

/**
 * Returns the problems after switching to the store that memory stood in for: users that either of them tracked may be
 * lost.
 * @param before the users as memory had them
 */
export function adoptionProblems(saved: SavedState, before: Before, { token, users }: TrackedUsers): TrackerProblem[] {
  const lost = Array.from(before).flatMap(([userId, was]) => (was === undefined || users.has(userId) ? [] : [userId]));
  const problems = trackProblems(lost, token);
  if (Array.from(saved.users.keys()).every((userId) => users.has(userId))) return problems;
  const from = saved.token === undefined ? "no token" : `"${saved.token}"`;
  const message =
    `memory stood in for the device store, and who left between ${from} and "${token ?? ""}" cannot be learned: ` +
    "the users whom only the store tracked became untracked; call track() with the members of the encrypted rooms";
  return [...problems, { type: "gap", from: saved.token, to: token ?? null, caughtUp: false, message }];
}

/**
 * Returns the problem of users that `track()` leaves untracked, since they may have left in what other trackers
 * committed.
 */
export function trackProblems(lost: readonly UserId[], token: string | undefined): TrackerProblem[] {
  if (lost.length === 0) return [];
  const message =
    `other tabs have moved on to "${token ?? ""}", and ${lost.length} user(s) may have left before that: ` +
    "they stay untracked; call track() again with the members of the encrypted rooms";
  return [{ type: "gap", from: undefined, to: token ?? null, caughtUp: false, message }];
}

export function stepProblems({ refusal, refusedIds: ids }: ParsedPart): TrackerProblem[] {
  const problems: TrackerProblem[] = [];
  if (refusal !== undefined) {
    const message = `${refusal.message}; as it may hide changes, every device list became outdated`;
    problems.push({ type: "sync-response-refused", error: refusal, message });
  }
  const refused = refusedIds("device_lists", ids);
  return refused === undefined ? problems : [...problems, refused];
}
