import { config, firstValueFrom, lastValueFrom } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { platformVerifier } from "../../src/ed25519/platform-verifier.js";
import { edgeSignatures } from "../vectors/edge-signatures.js";
import { rfc8032 } from "../vectors/rfc8032.js";

const real = globalThis.crypto.subtle;
const checks = edgeSignatures.map(([, check]) => check);
const expected = edgeSignatures.map(([, , valid]) => valid);

/** Replaces the page's WebCrypto, or removes it. */
const stubCrypto = (subtle: Partial<SubtleCrypto> | undefined) => vi.stubGlobal("crypto", { subtle });
/** The real WebCrypto with calls counted and some functions replaced. */
function countingCrypto(instead: Partial<SubtleCrypto> = {}) {
  const calls = { importKey: vi.fn(real.importKey.bind(real)), verify: vi.fn(real.verify.bind(real)) };
  stubCrypto({ ...calls, ...instead } as Partial<SubtleCrypto>);
  return calls;
}
const rejects = () => Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock("@noble/ed25519");
  vi.resetModules();
  config.onUnhandledError = null;
});

describe("platformVerifier", () => {
  it("uses WebCrypto if it supports ed25519, which it finds out once", async () => {
    const { importKey, verify } = countingCrypto();
    const onFallback = vi.fn();
    const verifier = platformVerifier({ onFallback });
    const results = await Promise.all([1, 2, 3].map(() => lastValueFrom(verifier.verify(checks))));
    expect(results).toEqual([expected, expected, expected]);
    expect(onFallback).not.toHaveBeenCalled();
    // The known signature with two messages; then 3 keys, one of them invalid, and 8 signatures by the other two.
    expect([importKey.mock.calls.length, verify.mock.calls.length]).toEqual([1 + 3 * 3, 2 + 3 * 8]);
    await lastValueFrom(verifier.verify([rfc8032[0]![1]]));
    expect([importKey.mock.calls.length, verify.mock.calls.length]).toEqual([1 + 3 * 3 + 1, 2 + 3 * 8 + 1]);
  });

  it("does not access WebCrypto before the first use", () => {
    const touched = vi.fn();
    vi.stubGlobal("crypto", Object.defineProperty({}, "subtle", { get: touched }));
    const verifier = platformVerifier();
    const results: unknown[] = [];
    verifier.verify(checks);
    verifier.verify([]).subscribe((result) => results.push(result));
    expect([touched.mock.calls, results]).toEqual([[], [[]]]);
  });

  it("fails keys and signatures that are not strict", async () => {
    const weak = { ...checks[0]!, publicKey: new Uint8Array(32) };
    const malleable = { ...checks[0]!, signature: new Uint8Array(64).fill(255) };
    expect(await firstValueFrom(platformVerifier().verify([weak, malleable, checks[0]!]))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it.each([
    ["has no WebCrypto, such as a page of an insecure origin", undefined],
    ["has WebCrypto without ed25519", { importKey: rejects, verify: rejects }],
    ["imports keys, but cannot verify", { importKey: () => Promise.resolve({} as CryptoKey), verify: rejects }],
    [
      "refuses all signatures",
      { importKey: () => Promise.resolve({} as CryptoKey), verify: () => Promise.resolve(false) },
    ],
    [
      "accepts all signatures",
      { importKey: () => Promise.resolve({} as CryptoKey), verify: () => Promise.resolve(true) },
    ],
  ] as readonly (readonly [string, Partial<SubtleCrypto> | undefined])[])(
    "falls back to JavaScript if the platform %s, and reports it once",
    async (_, subtle) => {
      stubCrypto(subtle);
      const reasons: unknown[] = [];
      const verifier = platformVerifier({ onFallback: (reason) => reasons.push(reason) });
      const results = await Promise.all([1, 2].map(() => lastValueFrom(verifier.verify(checks))));
      results.push(await lastValueFrom(verifier.verify(checks)));
      expect(results).toEqual([expected, expected, expected]);
      expect(reasons).toEqual([expect.objectContaining({ message: expect.any(String) as string })]);
    },
  );

  it("works without any crypto and without a handler", async () => {
    vi.stubGlobal("crypto", undefined);
    expect(await lastValueFrom(platformVerifier().verify(checks))).toEqual(expected);
  });

  it("fails signatures by a key that WebCrypto rejects, and keeps using WebCrypto", async () => {
    const onFallback = vi.fn();
    let refusing = false;
    const { verify } = countingCrypto({
      importKey: ((...given: Parameters<typeof real.importKey>) =>
        refusing ? rejects() : real.importKey(...given)) as typeof real.importKey,
    });
    const verifier = platformVerifier({ onFallback });
    const [, good] = rfc8032[0]!;
    expect(await lastValueFrom(verifier.verify([good]))).toEqual([true]);
    refusing = true;
    expect(await lastValueFrom(verifier.verify([good, good]))).toEqual([false, false]);
    refusing = false;
    verify.mockImplementationOnce(rejects);
    expect(await lastValueFrom(verifier.verify([good, good]))).toEqual([false, true]);
    expect(onFallback).not.toHaveBeenCalled();
  });

  it("reports an error thrown by the handler, and continues", async () => {
    stubCrypto(undefined);
    const unhandled: unknown[] = [];
    config.onUnhandledError = (error) => unhandled.push(error);
    const onFallback = () => {
      throw new Error("handler");
    };
    expect(await lastValueFrom(platformVerifier({ onFallback }).verify(checks))).toEqual(expected);
    expect(unhandled).toEqual([new Error("handler")]);
  });

  it("fails if neither can be loaded, and tries again on the next call", async () => {
    stubCrypto(undefined);
    vi.resetModules();
    vi.doMock("@noble/ed25519", () => {
      throw new Error("offline");
    });
    const { platformVerifier: verifierOffline } = await import("../../src/ed25519/platform-verifier.js");
    const onFallback = vi.fn();
    const verifier = verifierOffline({ onFallback });
    await expect(lastValueFrom(verifier.verify(checks))).rejects.toThrow();
    expect(onFallback).not.toHaveBeenCalled();
    vi.doUnmock("@noble/ed25519");
    expect(await lastValueFrom(verifier.verify(checks))).toEqual(expected);
    expect(onFallback).toHaveBeenCalledOnce();
  });
});
