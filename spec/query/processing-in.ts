import type { ListToSave } from "../../src/lists/save-lists.js";
import { SavedLists } from "../../src/lists/saved-lists.js";
import { PendingEdits } from "../../src/lists/pending-edits.js";
import type { UserId } from "../../src/model/ids.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { Answer } from "../../src/query/answer.js";
import { parseResponse, type ParsedResponse } from "../../src/query/parse-response.js";
import { processResponse } from "../../src/query/process-response.js";
import type { SentQuery } from "../../src/query/query-request.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import type { SignatureVerifier } from "../../src/trust/signature-verifier.js";
import { saverIn } from "../lists/saver-in.js";
import type { Marbles } from "../support/marbles.js";
import { ALICE } from "../support/users.js";

/** Processes responses of a server, in a tracker that tracks Bob and Carol. */
export function processingIn(
  m: Marbles,
  verifier: SignatureVerifier = new ScriptedVerifier({ scheduler: m.scheduler }),
) {
  const saver = saverIn(m);
  const { chain, memory, tracking, problems, store } = saver;
  const report = (problem: (typeof problems)[number]) => (problems as (typeof problems)[number][]).push(problem);
  const lists = new SavedLists({
    pendingEdits: new PendingEdits(),
    store,
    memory,
    tracking,
    refusesUnsigned: false,
    isOurs: (owner) => chain.isOurs(owner),
    isCommitted: () => true,
    missedCommit: () => {},
    report,
  });
  const toSave = new Map<UserId, ListToSave>();
  const save = (given: ReadonlyMap<UserId, ListToSave>) => {
    for (const [userId, one] of given) toSave.set(userId, one);
    return saver.saver.save(given);
  };
  const process = (response: ParsedResponse, query: SentQuery) =>
    processResponse(response, query, {
      ownUserId: ALICE,
      unsignedDevices: "accept",
      memory,
      lists,
      saver: { save },
      verifier,
      deadline: 60_000,
      scheduler: m.scheduler,
      report,
      count: () => {},
    });
  /** A query for these users, sent now. */
  const queryFor = (...users: readonly UserId[]) => {
    const superseded = new Set<UserId>();
    const query: SentQuery = {
      revisions: new Map(users.map((userId) => [userId, tracking.get(userId)?.revision])),
      sentAfter: 0,
      isSuperseded: (userId) => superseded.has(userId),
      isForced: () => false,
    };
    return { query, superseded };
  };
  const answersFor = (
    users: readonly UserId[],
    response: KeysQueryResponse,
    query = queryFor(...users).query,
  ): ReadonlyMap<UserId, Answer> => {
    const answers: ReadonlyMap<UserId, Answer>[] = [];
    process(parseResponse(response, ALICE, 0), query).subscribe((all) => answers.push(all));
    return answers[0]!;
  };
  /** The answer for one user whose query was sent just now. */
  const answerFor = (userId: UserId, response: KeysQueryResponse, query?: SentQuery) =>
    answersFor([userId], response, query).get(userId)!;
  /** Whether the last response listed a device of this user. */
  const listedOf = (userId: UserId) => toSave.get(userId)?.isListed;
  return { ...saver, process, queryFor, answersFor, answerFor, listedOf };
}
