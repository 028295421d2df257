import { hashes, Point, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { noble } from "../../src/ed25519/noble.js";
import { edgeSignatures } from "../vectors/edge-signatures.js";
import { verifierBehaviour } from "./verifier-behaviour.js";

verifierBehaviour("JavaScript", noble);

describe("ed25519 in JavaScript", () => {
  it("does not change global settings of the library", async () => {
    const engine = await noble();
    const [, { publicKey, ...rest }] = edgeSignatures[0]!;
    expect(engine.verify(engine.importKey(publicKey) as Point, { publicKey, ...rest })).toBe(true);
    expect(hashes.sha512).toBeUndefined();
  });

  it("differs from the library's verify only in the use of the cofactor", () => {
    const compared = edgeSignatures.map(([name, { signature, message, publicKey }, ours]) => {
      hashes.sha512 = sha512;
      const library = verify(signature, message, publicKey, { zip215: false });
      hashes.sha512 = undefined;
      return [name, library === ours] as const;
    });
    expect(compared.filter(([, same]) => !same).map(([name]) => name)).toEqual([
      "a key with a component of order 8 that only the cofactor cancels",
      "an R with a component of order 8 that only the cofactor cancels",
      "an R of order 1",
      "an R of order 8",
    ]);
  });
});
