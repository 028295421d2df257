import type { KeyEvent, TrustChain, TrustLink } from "matrix-device-tracker";
import { describe, expect, it } from "vitest";
import { chainJson } from "../../demo/page/chain/chain-json.js";
import { chainWords } from "../../demo/page/words/chain-words.js";
import type { Explanation } from "../../demo/page/session/explain.js";
import { BOB } from "./users.js";

const NOW = new Date(2026, 4, 12, 20, 0, 0).getTime();
const AT = new Date(2026, 4, 12, 14, 5, 9).getTime();
const signedBy = (by: string) => ({ by, signature: "c2ln", signed: new TextEncoder().encode("{}") });

const link = (kind: TrustLink["kind"], evidence: TrustLink["evidence"], by?: string): TrustLink => ({
  kind,
  userId: BOB,
  key: `${kind} key`,
  evidence,
  ...(kind === "device" && { deviceId: "PHONE" }),
  ...(by !== undefined && { signature: signedBy(by) }),
});
const SELF_SIGNING = link("self-signing", "cross-signed", "master key");
const CROSS_SIGNED = link("device", "cross-signed", "self-signing key");

const explained = (
  chain: Partial<TrustChain>,
  history: readonly KeyEvent[] = [],
  others: Partial<Explanation> = {},
): Explanation => ({
  chain: { userId: BOB, deviceId: "PHONE", links: [], trust: "seen", weakest: undefined, ...chain },
  history,
  ownHistory: [],
  name: "Bob’s phone",
  ...others,
});
const event = (type: KeyEvent["type"]): KeyEvent => ({ type, kind: "master", key: "master key", at: AT });

describe("a chain of evidence in words", () => {
  it.for<readonly [string, TrustLink, KeyEvent["type"], string]>([
    ["the first time", link("master", "seen"), "first-seen", "First seen at 14:05:09, and the same since."],
    [
      "another key than the known one",
      link("master", "seen"),
      "shown",
      "Returned instead of the known one at 14:05:09",
    ],
    ["a key that was replaced", link("master", "seen"), "returned", "Returned instead of the known one at 14:05:09"],
    ["an acknowledged one", link("master", "acknowledged"), "acknowledged", "Acknowledged by you at 14:05:09."],
    ["one verified earlier", link("master", "verified"), "first-seen", "Verified by you before."],
  ])("says what ties an identity to its user: %s", ([, master, type, tie]) => {
    const chain = { links: [master, SELF_SIGNING, CROSS_SIGNED], trust: "cross-signed", weakest: master } as const;
    const { links } = chainWords(explained(chain, [event(type)]), NOW);
    expect(links[0]?.tie).toMatch(tie);
    expect(links.map(({ isWeakest }) => isWeakest)).toEqual([true, false, false]);
  });

  it.for<readonly [string, Partial<TrustChain>, string]>([
    ["without a device", {}, "The device is not in the list any more."],
    ["an unsigned one", { links: [link("device", "seen")] }, "Nothing but the server’s word"],
    [
      "one that signed itself",
      { links: [link("device", "self-signed", "device key")], trust: "self-signed" },
      "It has signed its own keys",
    ],
    [
      "an acknowledged one",
      { links: [link("device", "acknowledged")], trust: "acknowledged" },
      "You have acknowledged its key.",
    ],
    [
      "one signed by a changed identity",
      { links: [link("master", "seen"), SELF_SIGNING, CROSS_SIGNED], trust: "self-signed" },
      "Bob’s identity has signed it, but it is not the one known before",
    ],
  ])("says how far a device is trusted: %s", ([, chain, words]) => {
    expect(chainWords(explained(chain), NOW).trust).toMatch(words);
  });

  it("dates what was before today by its day", () => {
    const chain = { links: [link("master", "acknowledged")] };
    const { links } = chainWords(explained(chain, [event("acknowledged")]), NOW + 86_400_000);
    expect(links[0]?.tie).toBe("Acknowledged by you on 12 May 2026.");
  });

  it("reads when our own identity was confirmed in our own history", () => {
    const chain = { links: [{ ...link("own-master", "verified"), key: "master key" }] };
    const { links } = chainWords(explained(chain, [], { ownHistory: [event("confirmed")] }), NOW);
    expect(links[0]?.tie).toBe("Confirmed by you at 14:05:09.");
  });

  it("says why the device is refused as it is now", () => {
    const refused = { code: "key-changed", detail: "" } as const;
    const chain = { links: [link("device", "seen")] };
    expect(chainWords(explained({ ...chain, refused }, []), NOW).refusal).toMatch("another key than before");
    expect(chainWords(explained({ refused }, []), NOW).refusal).toBeUndefined();
  });
});

describe("a chain of evidence as JSON", () => {
  it("has bytes in unpadded base64, and the position of the weakest link", () => {
    const weakest = link("master", "seen");
    const chain: TrustChain = {
      userId: BOB,
      deviceId: "PHONE",
      links: [weakest, SELF_SIGNING],
      trust: "seen",
      weakest,
    };
    expect(JSON.parse(chainJson(chain))).toEqual({
      userId: BOB,
      deviceId: "PHONE",
      trust: "seen",
      weakest: 0,
      links: [weakest, { ...SELF_SIGNING, signature: { by: "master key", signature: "c2ln", signed: "e30" } }],
    });
    expect(JSON.parse(chainJson({ ...chain, weakest: undefined }))).toHaveProperty("weakest", null);
  });
});
