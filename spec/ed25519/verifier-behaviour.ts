import { getPublicKeyAsync } from "@noble/ed25519";
import { lastValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/ed25519/engine.js";
import { SlicedVerifier } from "../../src/ed25519/sliced-verifier.js";
import { nextTask } from "../../src/page/next-task.js";
import { decodeBase64 } from "../../src/keys/base64.js";
import { signedBytes } from "../../src/keys/canonical-json.js";
import { strictVerifier, type SignatureCheck, type SignatureVerifier } from "../../src/trust/signature-verifier.js";
import { edgeSignatures } from "../vectors/edge-signatures.js";
import { MATRIX_SEED, matrixSigning } from "../vectors/matrix-signing.js";
import { rfc8032 } from "../vectors/rfc8032.js";

/** A strict verifier with this engine. */
export function verifierOn(engine: () => Promise<Engine>): SignatureVerifier {
  return strictVerifier(new SlicedVerifier({ engine, nextTask, now: () => performance.now(), after: () => () => {} }));
}

/** Decodes unpadded Base64. */
function bytesOf(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw new Error(`not unpadded Base64: ${text}`);
  return bytes;
}

/** The results that every engine must agree on. */
export function verifierBehaviour(name: string, engine: () => Promise<Engine>): void {
  const verifier = verifierOn(engine);
  const verify = (...checks: readonly SignatureCheck[]) => lastValueFrom(verifier.verify(checks));

  describe(`ed25519, ${name}`, () => {
    it.each(rfc8032)("accepts RFC 8032, %s, and no variation of it", async (_, check) => {
      const flipped = (bytes: Uint8Array, bit: number) =>
        bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      const others: SignatureCheck[] = [];
      for (let bit = 0; bit < 512; bit += 37) others.push({ ...check, signature: flipped(check.signature, bit) });
      for (let bit = 0; bit < 256; bit += 37) others.push({ ...check, publicKey: flipped(check.publicKey, bit) });
      others.push({ ...check, message: new Uint8Array([...check.message, 0]) });
      expect(await verify(check)).toEqual([true]);
      expect(await verify(...others)).toEqual(others.map(() => false));
    });

    it.each(matrixSigning)("accepts the example %s of the Matrix spec", async (json, signature) => {
      const object = JSON.parse(json) as Record<string, unknown>;
      const check = {
        publicKey: await getPublicKeyAsync(MATRIX_SEED),
        message: signedBytes(object)!,
        signature: bytesOf(signature),
      };
      const changed = { ...check, message: signedBytes({ ...object, three: 3 })! };
      expect(await verify(check, changed)).toEqual([true, false]);
    });

    it.each(edgeSignatures)("decides like all platforms and verify_strict: %s", async (_, check, valid) => {
      expect(await verify(check)).toEqual([valid]);
    });

    it("emits the results in the order of the checks", async () => {
      const checks = Array.from({ length: 30 }, (_, i) => edgeSignatures[(i * 5) % edgeSignatures.length]!);
      expect(await verify(...checks.map(([, check]) => check))).toEqual(checks.map(([, , valid]) => valid));
    });
  });
}
