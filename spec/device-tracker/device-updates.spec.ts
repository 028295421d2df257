import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { updateLine } from "../support/shields.js";
import { identityOf, listOf, signature, signed, together, type SignedProperties } from "../support/signed.js";
import { FORGED, trusting, trustingAgain } from "../support/trusting.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";

const bobs = (...devices: readonly (readonly [deviceId: string, properties?: SignedProperties])[]) =>
  listOf(BOB, ...devices.map(([deviceId, properties]) => signed(BOB, deviceId, properties)));
const B1 = bobs(["B1"]);
const B12 = bobs(["B1"], ["B2"]);
const NONE = listOf(BOB);

/** A tracker that fetches users whenever one of these accounts is published. */
function following(m: Marbles, timing: string, accounts: Readonly<Record<string, KeysQueryResponse>>, users = [BOB]) {
  const under = trusting(m);
  under.publish(timing, accounts);
  const fetch = () => under.fetch(...users).subscribe();
  m.acts(timing, Object.fromEntries(Object.keys(accounts).map((marble) => [marble, fetch])));
  return { ...under, updates$: under.tracker.deviceUpdates$.pipe(map(updateLine)) };
}

describe("deviceUpdates$", () => {
  it(
    "emits all devices of a user as added the first time",
    marbles((m) => {
      const account = together(B12, listOf(CAROL, signed(CAROL, "C1")));
      const { updates$ } = following(m, "-a", { a: account }, [BOB, CAROL]);
      m.expectObservable(updates$).toBe("-(bc)", { b: "bob added B1,B2", c: "carol added C1" });
    }),
  );

  it(
    "emits nothing for a user without devices who never had any",
    marbles((m) => {
      const { updates$ } = following(m, "-a", { a: NONE });
      m.expectObservable(updates$).toBe("--");
    }),
  );

  it(
    "emits nothing for an answer that changes nothing",
    marbles((m) => {
      const { updates$ } = following(m, "-abc", { a: B12, b: bobs(["B2"], ["B1"]), c: B12 });
      m.expectObservable(updates$).toBe("-a", { a: "bob added B1,B2" });
    }),
  );

  it(
    "compares with what is saved after a restart",
    marbles((m) => {
      const first = following(m, "-a-b", { a: B12, b: B1 });
      const { tracker, fetch } = trustingAgain(m, first, { connected: false });
      m.acts("--a", { a: () => fetch(BOB).subscribe() });
      m.expectObservable(tracker.deviceUpdates$.pipe(map(updateLine)), "--^").toBe("---b", { b: "bob removed B2" });
    }),
  );

  it(
    "emits devices that were added and removed",
    marbles((m) => {
      const { updates$ } = following(m, "-abc", { a: B1, b: bobs(["B2"]), c: NONE });
      m.expectObservable(updates$).toBe("-abc", {
        a: "bob added B1",
        b: "bob added B2 removed B1",
        c: "bob removed B2",
      });
    }),
  );

  it(
    "emits devices with new display names",
    marbles((m) => {
      const accounts = { a: bobs(["B1", { name: "old" }]), b: bobs(["B1", { name: "new" }]), c: B1 };
      const { updates$ } = following(m, "-abc", accounts);
      m.expectObservable(updates$).toBe("-abc", { a: "bob added B1", b: "bob renamed B1", c: "bob renamed B1" });
    }),
  );

  it(
    "emits devices that became cross-signed, or are not any more",
    marbles((m) => {
      const bob = identityOf(BOB, "bob");
      const unsigned = together(B12, bob);
      const accounts = { a: unsigned, b: together(bobs(["B1", { by: "bobS" }], ["B2"]), bob), c: unsigned };
      const { updates$ } = following(m, "-abc", accounts);
      m.expectObservable(updates$).toBe("-abc", {
        a: "bob added B1,B2 identity unchanged",
        b: "bob crossSigned B1",
        c: "bob changed B1",
      });
    }),
  );

  it(
    "emits devices that changed otherwise, with the same keys",
    marbles((m) => {
      const accounts = {
        a: B1,
        b: bobs(["B1", { algorithms: ["other"] }]),
        c: bobs(["B1", { algorithms: ["third"] }]),
      };
      const { updates$ } = following(m, "-abc", accounts);
      m.expectObservable(updates$).toBe("-abc", { a: "bob added B1", b: "bob changed B1", c: "bob changed B1" });
    }),
  );

  it(
    "emits refused devices, each reason once",
    marbles((m) => {
      const forged = { ...signed(BOB, "B2"), signatures: { [BOB]: { "ed25519:B2": signature(FORGED) } } };
      const stolen = listOf(BOB, signed(BOB, "B1", { key: "stolen" }), forged);
      const accounts = { a: listOf(BOB, signed(BOB, "B1"), forged), b: stolen, c: stolen, d: B12 };
      const { updates$ } = following(m, "-abcd", accounts);
      m.expectObservable(updates$).toBe("-ab-d", {
        a: "bob added B1 refused B2:invalid-signature",
        b: "bob refused B1:key-changed",
        d: "bob added B2",
      });
    }),
  );

  it(
    "emits changes of the identity",
    marbles((m) => {
      const [first, other] = [together(B1, identityOf(BOB, "first")), together(B1, identityOf(BOB, "other"))];
      const { updates$, problems$ } = following(m, "-abcdef", { a: B1, b: first, c: other, d: other, e: B1, f: first });
      m.expectObservable(updates$).toBe("-abc-ef", {
        a: "bob added B1",
        b: "bob identity unchanged",
        c: "bob identity changed",
        e: "bob identity removed",
        f: "bob identity unchanged",
      });
      m.expectObservable(problems$).toBe("");
    }),
  );

  it(
    "names the master keys of a changed identity",
    marbles((m) => {
      const identity = (name: string) => together(NONE, identityOf(BOB, name));
      const { tracker } = following(m, "-ab", { a: identity("first"), b: identity("other") });
      const identities: unknown[] = [];
      tracker.deviceUpdates$.subscribe((update) => identities.push(update.identity));
      m.afterwards(() => {
        const masterKey: unknown = expect.stringMatching(/^otherMx/);
        const pinnedMasterKey: unknown = expect.stringMatching(/^firstMx/);
        expect(identities).toMatchObject([
          { state: "unchanged" },
          { state: "changed", masterKey, pinnedMasterKey, verified: false },
        ]);
      });
    }),
  );

  it(
    "emits a change of our own identity, which is reported as well, once",
    marbles((m) => {
      const own = (name: string) =>
        together(listOf(ALICE, signed(ALICE, "A1")), identityOf(ALICE, name, { own: true }));
      const accounts = { a: own("first"), b: own("other"), c: own("other") };
      const { updates$, problems } = following(m, "-abc", accounts, [ALICE]);
      m.expectObservable(updates$).toBe("-ab-", {
        a: "alice added A1 identity unchanged",
        b: "alice identity changed",
      });
      m.afterwards(() => {
        const masterKey: unknown = expect.stringMatching(/^otherMx/);
        const pinnedMasterKey: unknown = expect.stringMatching(/^firstMx/);
        expect(problems).toMatchObject([{ type: "own-identity-changed", masterKey, pinnedMasterKey }]);
      });
    }),
  );
});
