import { firstValueFrom } from "rxjs";
import { config, lastValueFrom } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { platformVerifier } from "../../src/ed25519/platform-verifier.js";
import { edgeSignatures } from "../vectors/edge-signatures.js";
import { rfc8032 } from "../vectors/rfc8032.js";

const real = globalThis.crypto.subtle;
const checks = edgeSignatures.map(([, check]) => check);
const holds = edgeSignatures.map(([, , answer]) => answer);

/** The page's WebCrypto, or none. */
const stubCrypto = (subtle: Partial<SubtleCrypto> | undefined) => vi.stubGlobal("crypto", { subtle });
/** The real one, which counts, with some of it replaced. */
function countingCrypto(instead: Partial<SubtleCrypto> = {}) {
  const calls = { importKey: vi.fn(real.importKey.bind(real)), verify: vi.fn(real.verify.bind(real)) };
  stubCrypto({ ...calls, ...instead } as Partial<SubtleCrypto>);
  return calls;
}
const refuses = () => Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock("@noble/ed25519");
  vi.resetModules();
  config.onUnhandledError = null;
});

describe("platformVerifier", () => {
  it("uses WebCrypto where it has ed25519, tells of no fallback, and finds out once for all calls", async () => {
    const { importKey, verify } = countingCrypto();
    const onFallback = vi.fn();
    const verifier = platformVerifier({ onFallback });
    const answers = await Promise.all([1, 2, 3].map(() => lastValueFrom(verifier.verify(checks))));
    expect(answers).toEqual([holds, holds, holds]);
    expect(onFallback).not.toHaveBeenCalled();
    // The known signature, and another message with it; then 3 keys, one of which is none, and 8 signatures by the other two.
    expect([importKey.mock.calls.length, verify.mock.calls.length]).toEqual([1 + 3 * 3, 2 + 3 * 8]);
    await lastValueFrom(verifier.verify([rfc8032[0]![1]]));
    expect([importKey.mock.calls.length, verify.mock.calls.length]).toEqual([1 + 3 * 3 + 1, 2 + 3 * 8 + 1]);
  });

  it("touches nothing of the platform before the first use", () => {
    const touched = vi.fn();
    vi.stubGlobal("crypto", Object.defineProperty({}, "subtle", { get: touched }));
    const verifier = platformVerifier();
    const answers: unknown[] = [];
    verifier.verify(checks);
    verifier.verify([]).subscribe((answer) => answers.push(answer));
    expect([touched.mock.calls, answers]).toEqual([[], [[]]]);
  });

  it("says no of what is not strict, whatever the platform would say", async () => {
    const weak = { ...checks[0]!, publicKey: new Uint8Array(32) };
    const malleable = { ...checks[0]!, signature: new Uint8Array(64).fill(255) };
    expect(await firstValueFrom(platformVerifier().verify([weak, malleable, checks[0]!]))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it.each([
    ["has no WebCrypto, as pages of an insecure origin", undefined],
    ["has it without ed25519", { importKey: refuses, verify: refuses }],
    ["imports the key and cannot verify", { importKey: () => Promise.resolve({} as CryptoKey), verify: refuses }],
    [
      "says that nothing holds",
      { importKey: () => Promise.resolve({} as CryptoKey), verify: () => Promise.resolve(false) },
    ],
    [
      "says that anything holds",
      { importKey: () => Promise.resolve({} as CryptoKey), verify: () => Promise.resolve(true) },
    ],
  ] as readonly (readonly [string, Partial<SubtleCrypto> | undefined])[])(
    "decides the same in JavaScript where the platform %s, and tells of it once",
    async (_, subtle) => {
      stubCrypto(subtle);
      const reasons: unknown[] = [];
      const verifier = platformVerifier({ onFallback: (reason) => reasons.push(reason) });
      const answers = await Promise.all([1, 2].map(() => lastValueFrom(verifier.verify(checks))));
      answers.push(await lastValueFrom(verifier.verify(checks)));
      expect(answers).toEqual([holds, holds, holds]);
      expect(reasons).toEqual([expect.objectContaining({ message: expect.any(String) as string })]);
    },
  );

  it("works where there is no crypto at all, and nobody wants to be told", async () => {
    vi.stubGlobal("crypto", undefined);
    expect(await lastValueFrom(platformVerifier().verify(checks))).toEqual(holds);
  });

  it("takes a key that the platform refuses for one by which nothing holds, and goes on with the platform", async () => {
    const onFallback = vi.fn();
    let refusing = false;
    const { verify } = countingCrypto({
      importKey: ((...given: Parameters<typeof real.importKey>) =>
        refusing ? refuses() : real.importKey(...given)) as typeof real.importKey,
    });
    const verifier = platformVerifier({ onFallback });
    const [, good] = rfc8032[0]!;
    expect(await lastValueFrom(verifier.verify([good]))).toEqual([true]);
    refusing = true;
    expect(await lastValueFrom(verifier.verify([good, good]))).toEqual([false, false]);
    refusing = false;
    verify.mockImplementationOnce(refuses);
    expect(await lastValueFrom(verifier.verify([good, good]))).toEqual([false, true]);
    expect(onFallback).not.toHaveBeenCalled();
  });

  it("is not disturbed by a handler that throws", async () => {
    stubCrypto(undefined);
    const unhandled: unknown[] = [];
    config.onUnhandledError = (error) => unhandled.push(error);
    const onFallback = () => {
      throw new Error("handler");
    };
    expect(await lastValueFrom(platformVerifier({ onFallback }).verify(checks))).toEqual(holds);
    expect(unhandled).toEqual([new Error("handler")]);
  });

  it("fails where neither is to be had, remembers nothing of it, and tells of the fallback once it is one", async () => {
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
    expect(await lastValueFrom(verifier.verify(checks))).toEqual(holds);
    expect(onFallback).toHaveBeenCalledOnce();
  });
});
