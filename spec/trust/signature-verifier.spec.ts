import { EMPTY, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { strictVerifier, type SignatureCheck } from "../../src/trust/signature-verifier.js";
import { edgeSignatures } from "../vectors/edge-signatures.js";
import { hex } from "../vectors/hex.js";
import { rfc8032 } from "../vectors/rfc8032.js";

const good = rfc8032.map(([, check]) => check);
const [first, second] = good as [SignatureCheck, SignatureCheck];
const weakKey: SignatureCheck = { ...first, publicKey: new Uint8Array(32) };
const weakR: SignatureCheck = { ...first, signature: hex("00".repeat(64)) };
const asked: (readonly SignatureCheck[])[] = [];
/** Accepts every signature, as WebCrypto does for some keys. */
const yes = strictVerifier({
  verify: (checks) => {
    asked.push(checks);
    return of(checks.map(() => true));
  },
});
function answer(...checks: readonly SignatureCheck[]): readonly boolean[] | undefined {
  let given: readonly boolean[] | undefined;
  asked.length = 0;
  yes.verify(checks).subscribe((holds) => (given = holds));
  return given;
}

describe("strictVerifier", () => {
  it("passes strict checks only, and fails the others in their places", () => {
    expect(answer(weakKey, first, weakR, weakKey, second, weakR)).toEqual([false, true, false, false, true, false]);
    expect(asked).toEqual([[first, second]]);
  });

  it("does not call the verifier without a strict check", () => {
    expect([answer(weakKey, weakR), answer()]).toEqual([[false, false], []]);
    expect(asked).toEqual([]);
  });

  it("fails edge cases, even if the verifier accepts them", () => {
    const refused = edgeSignatures.filter(([, check]) => answer(check)?.[0] === false).map(([name]) => name);
    expect(refused).toEqual([
      "s + L instead of s",
      "a key of order 1, which accepts any message",
      "a key of order 8 that the hash cancels",
      "an R of order 1",
      "an R of order 1 in a non-canonical encoding",
      "an R of order 8",
    ]);
  });

  it("passes on failures and errors, and fails a missing result", () => {
    const of$ = (...holds: boolean[]) => strictVerifier({ verify: () => of(holds) }).verify([first, second, first]);
    const seen: unknown[] = [];
    of$(true, false, true).subscribe((holds) => seen.push(holds));
    of$(true).subscribe((holds) => seen.push(holds));
    strictVerifier({ verify: () => throwError(() => new Error("broken")) })
      .verify([first])
      .subscribe({ error: (error: unknown) => seen.push(error) });
    strictVerifier({ verify: () => EMPTY })
      .verify([first])
      .subscribe({ complete: () => seen.push("silent") });
    expect(seen).toEqual([[true, false, true], [true, false, false], new Error("broken"), "silent"]);
  });
});
