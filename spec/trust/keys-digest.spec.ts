import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { compareViews } from "../../src/trust/compare-views.js";
import { keysDigest } from "../../src/trust/keys-digest.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { bob, ed25519, phone, tablet, verified, withoutEd25519 } from "./pinned-lists.js";

const sha256 = (json: string) => createHash("sha256").update(json).digest("base64").replace("=", "");

describe("the digest of a user's keys", () => {
  it("covers the identity and the sorted fingerprints, as canonical JSON", () => {
    const fingerprints = [ed25519(phone), ed25519(tablet)].sort();
    const json = `{"fingerprints":${JSON.stringify(fingerprints)},"master":"${bob.master.publicKey}","self_signing":"${bob.selfSigning.publicKey}"}`;
    expect(keysDigest(verified([phone, tablet]))).toBe(sha256(json));
    expect(keysDigest(verified([tablet, phone]))).toBe(sha256(json));
  });

  it("leaves out what there is not", () => {
    const {
      masterKey: _,
      selfSigningKey: __,
      ...list
    } = verified([withoutEd25519(phone)], { identity: { signedBy: [] } });
    expect(keysDigest(list)).toBe(sha256('{"fingerprints":[]}'));
  });

  it.each([
    ["another device", verified([phone])],
    ["another identity", verified([phone, tablet], { identity: { masterKey: "other", signedBy: [] } })],
    ["another key of a device", verified([phone, bob.device("TABLET", { key: bob.master })])],
  ])("is another one with %s", (_, list) => {
    expect(keysDigest(list)).not.toBe(keysDigest(verified([phone, tablet])));
  });

  it("does not depend on names and signatures, which servers may show differently", () => {
    const renamed = bob.device("PHONE", { displayName: "Bob's phone", signedBy: ["itself"] });
    expect(keysDigest(verified([renamed, tablet]))).toBe(keysDigest(verified([phone, tablet])));
  });
});

describe("views that are compared", () => {
  const view = (bobs: string, carols?: string) =>
    new Map([[BOB, bobs], ...(carols === undefined ? [] : [[CAROL, carols] as const])]);

  it("differ in nothing if all see the same, or only one sees a user at all", () => {
    expect(compareViews(new Map())).toEqual([]);
    expect(
      compareViews(
        new Map([
          ["phone", view("x", "y")],
          ["laptop", view("x")],
        ]),
      ),
    ).toEqual([]);
  });

  it("differ by user, with who sees what, the most frequent first", () => {
    const views = new Map([
      ["phone", view("other", "y")],
      ["laptop", view("x", "y")],
      [ALICE, view("x")],
    ]);
    expect(compareViews(views)).toEqual([
      {
        userId: BOB,
        views: [
          { digest: "x", viewers: ["laptop", ALICE] },
          { digest: "other", viewers: ["phone"] },
        ],
      },
    ]);
  });
});
