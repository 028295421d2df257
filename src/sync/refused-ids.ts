import { shortened } from "../keys/shape.js";
import type { TrackerProblem } from "../model/problems.js";

type UserIdsRefused = Extract<TrackerProblem, { type: "user-ids-refused" }>;

/** Reports strings that are not user IDs: their number, and the first few, shortened. `undefined` if there are none. */
export function refusedIds(source: UserIdsRefused["source"], ids: readonly string[]): UserIdsRefused | undefined {
  const count = ids.length;
  if (count === 0) return undefined;
  const userIds = ids.slice(0, 10).map(shortened);
  return {
    type: "user-ids-refused",
    source,
    userIds,
    count,
    message:
      `${count} string(s) in ${source} are not user IDs and were left out, ` + `such as ${JSON.stringify(userIds[0])}`,
  };
}
