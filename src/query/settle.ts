import { forkJoin, map, of, type Observable } from "rxjs";
import type { FetchedList } from "../keys/parse-answer.js";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { ListToSave } from "../store/save-lists.js";
import type { Answer } from "./answer.js";
import type { DeviceLists } from "./device-lists.js";
import type { SentQuery } from "./query-request.js";

/**
 * What becomes of an answer: a list is saved where its user was tracked, their server answered, and no change has come since the query was sent; to callers it
 * goes in any case. A user whose server did not answer gets the last list we had beside it.
 */
export function settle(
  fetched: ReadonlyMap<UserId, FetchedList>,
  request: SentQuery,
  lists: DeviceLists,
  report: (problem: TrackerProblem) => void,
): Observable<ReadonlyMap<UserId, Answer>> {
  const toSave = new Map<UserId, ListToSave>();
  const unreachable: UserId[] = [];
  for (const [userId, { list, reachable, refusals }] of fetched) {
    const revision = request.revisions.get(userId);
    if (!reachable) unreachable.push(userId);
    else if (revision !== undefined && !request.isSuperseded(userId)) toSave.set(userId, { list, revision });
    for (const { path, problem } of refusals) {
      report({ type: "answer-refused", userId, path, message: `/keys/query gave ${userId} something unusable in ${path}, which was left out: ${problem}` });
    }
  }
  return forkJoin([
    toSave.size === 0 ? of(new Set<UserId>()) : lists.save(toSave),
    unreachable.length === 0 ? of(new Map<UserId, never>()) : lists.lastKnown(unreachable),
  ]).pipe(
    map(([refused, known]) => {
      const answers = new Map<UserId, Answer>();
      for (const [userId, { list, reachable }] of fetched) {
        const lastKnown = known.get(userId)?.list;
        answers.set(userId, {
          userId,
          list,
          revision: request.revisions.get(userId),
          superseded: refused.has(userId) || request.isSuperseded(userId),
          reachable,
          ...(lastKnown !== undefined && { lastKnown }),
        });
      }
      return answers;
    }),
  );
}
