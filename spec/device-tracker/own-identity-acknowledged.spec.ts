import { of, type Observable } from "rxjs";
import { expect, it } from "vitest";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { marbles } from "../support/marbles.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { signed, signedAccount, signedAnswer } from "../support/signed-account.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB } from "../support/users.js";

it(
  "an own identity that is acknowledged is relied on at once, though our own list is not in memory",
  marbles((m) => {
    const [a1, a2, bob] = [signedAccount(ALICE, "a1"), signedAccount(ALICE, "a2"), signedAccount(BOB)];
    const bobs = {
      account: bob,
      devices: [bob.device("PHONE")],
      masterKey: signed(bob.masterKey, ALICE, a2.userSigning),
    };
    const store = memoryStore();
    const answers: Observable<KeysQueryResponse>[] = [
      of(signedAnswer({ account: a1 })),
      of(signedAnswer({ account: a2 }, bobs)),
    ];
    const first = trackerIn(m, { store, verifier: nodeVerifier, answers, tracking: [BOB] });
    first.tracker.getDeviceKeys([ALICE]).subscribe();
    first.tracker.getDeviceKeys([ALICE, BOB], { forceDownload: true }).subscribe();
    const second = trackerIn(m, { store, verifier: nodeVerifier });
    const seen: unknown[] = [];
    second.tracker.watchDeviceKeys([BOB]).subscribe((users) => seen.push(users.get(BOB)?.identity.verified));
    second.tracker.acknowledgeIdentity(ALICE, a2.master.publicKey).subscribe();
    m.afterwards(() => expect(seen).toEqual([false, true]));
  }),
);
