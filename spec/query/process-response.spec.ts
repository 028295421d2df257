import { describe, expect, it } from "vitest";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { bob, phone } from "../lists/verified-lists.js";
import { UNKNOWN_IDENTITY } from "../../src/trust/identity.js";
import { changing } from "../store/steps.js";
import { marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { signed } from "../support/signed.js";
import { BOB, crowd, DAVE } from "../support/users.js";
import { answer } from "../support/wire.js";
import { processingIn } from "./processing-in.js";

describe("processing a response", () => {
  it(
    "saves the list of a tracked user, who is current from then on",
    marbles((m) => {
      const { answerFor, store, tracking } = processingIn(m);
      const { revision, superseded, reachable } = answerFor(BOB, answer({ [BOB]: ["B1"] }));
      expect({ revision, superseded, reachable }).toEqual({
        revision: tracking.get(BOB)?.revision,
        superseded: false,
        reachable: true,
      });
      expect(savedIds(store.records, "list")).toEqual([BOB]);
      expect(tracking.get(BOB)?.outdated).toBe(false);
    }),
  );

  it(
    "only pins for a user who is not tracked",
    marbles((m) => {
      const { answerFor, memory } = processingIn(m);
      expect(answerFor(DAVE, answer({ [DAVE]: ["D1"] }))).toMatchObject({ revision: undefined, superseded: false });
      expect(memory.last(DAVE)).toBeUndefined();
    }),
  );

  it(
    "only pins what was superseded on the way",
    marbles((m) => {
      const { answerFor, queryFor, tracking } = processingIn(m);
      const { query, superseded } = queryFor(BOB);
      superseded.add(BOB);
      expect(answerFor(BOB, answer({ [BOB]: ["B1"] }), query)).toMatchObject({ superseded: true });
      expect(tracking.get(BOB)?.outdated).toBe(true);
    }),
  );

  it(
    "marks what the store refuses as superseded",
    marbles((m) => {
      const { answerFor, queryFor, apply, tracking } = processingIn(m);
      const { query } = queryFor(BOB);
      apply(changing("s0", "s1", BOB));
      expect(answerFor(BOB, answer({ [BOB]: ["B1"] }), query)).toMatchObject({ superseded: true });
      expect(tracking.get(BOB)?.outdated).toBe(true);
    }),
  );

  it(
    "saves nothing for a user whose server did not answer, and adds the last list",
    marbles((m) => {
      const { answerFor, tracking } = processingIn(m);
      expect(answerFor(BOB, answer({}, ["example.org"]))).not.toHaveProperty("lastKnown");
      answerFor(BOB, answer({ [BOB]: ["B1"] }));
      const unreachable = answerFor(BOB, answer({}, ["example.org"]));
      expect(unreachable).toMatchObject({ reachable: false, superseded: false });
      expect([...(unreachable.lastKnown?.deviceKeys.keys() ?? [])]).toEqual(["B1"]);
      expect(tracking.get(BOB)?.outdated).toBe(false);
    }),
  );

  it(
    "uses nothing that the response has of a user whose server did not answer",
    marbles((m) => {
      const { answerFor, store } = processingIn(m);
      const { update } = store.begun;
      const response = { ...answer({}, ["example.org"]), master_keys: { [BOB]: bob.masterKey } };
      const { list, lastKnown } = answerFor(BOB, response);
      expect([list.masterKey, list.identity, lastKnown]).toEqual([undefined, UNKNOWN_IDENTITY, undefined]);
      expect(store.begun.update).toBe(update);
    }),
  );

  it(
    "gives such a user the same answer alone and together with others",
    marbles((m) => {
      const { answerFor, answersFor, memory } = processingIn(m);
      const signedBob = { device_keys: { [BOB]: { PHONE: phone } }, master_keys: { [BOB]: bob.masterKey } };
      const { list } = answerFor(BOB, { ...signedBob, self_signing_keys: { [BOB]: bob.selfSigningKey } });
      const alone = answerFor(BOB, answer({}, ["example.org"]));
      const together = answersFor([BOB, DAVE], answer({ [DAVE]: ["D1"] }, ["example.org"])).get(BOB);
      expect(together).toStrictEqual(alone);
      const { deviceStatus, identity } = list;
      expect(identity.pinnedMasterKey).toBe(bob.master.publicKey);
      expect(alone.list).toMatchObject({ deviceStatus, identity });
      memory.forget([BOB]);
      expect(answerFor(BOB, answer({}, ["example.org"]))).toStrictEqual(alone); // read from the store
    }),
  );

  it(
    "reports what was refused, and keeps the rest",
    marbles((m) => {
      const { answerFor, problems } = processingIn(m);
      const response = { ...answer({ [BOB]: ["B1"] }), master_keys: { [BOB]: "?" } as never };
      expect(answerFor(BOB, response).list.deviceKeys.size).toBe(1);
      expect(problems).toMatchObject([{ type: "answer-refused", userId: BOB, path: "master_keys" }]);
    }),
  );

  it(
    "reports a crowd whose parts were refused in one problem",
    marbles((m) => {
      const { answersFor, problems } = processingIn(m);
      const users = crowd(60);
      const refused = Object.fromEntries(users.map((userId) => [userId, "?" as never]));
      answersFor(users, { device_keys: {}, master_keys: refused, self_signing_keys: refused });
      expect(problems).toMatchObject([{ type: "answers-refused", count: 60, userIds: users.slice(0, 20) }]);
    }),
  );

  it(
    "hands on which devices the response lists",
    marbles((m) => {
      const { answerFor, listedOf } = processingIn(m);
      answerFor(BOB, { device_keys: { [BOB]: { PHONE: "?" as never } } });
      expect(["PHONE", "TABLET"].map((deviceId) => listedOf(BOB)?.(deviceId))).toEqual([true, false]);
    }),
  );

  it(
    "verifies no device again that is known, from memory or from the store",
    marbles((m) => {
      const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
      const { answerFor, memory, tracking } = processingIn(m, verifier);
      const response: KeysQueryResponse = { device_keys: { [BOB]: { PHONE: signed(BOB, "PHONE") } } };
      answerFor(BOB, response);
      expect(verifier.asked).toHaveLength(1);
      answerFor(BOB, response);
      memory.forget([BOB]);
      tracking.unlisted(BOB, tracking.get(BOB)!.revision);
      answerFor(BOB, response);
      expect(verifier.asked).toHaveLength(1);
    }),
  );
});
