import { lastValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import { noble } from "../../src/ed25519/noble.js";
import { webCrypto } from "../../src/ed25519/web-crypto.js";
import { decodeBase64 } from "../../src/keys/base64.js";
import { signedBytes } from "../../src/keys/canonical-json.js";
import type { SignatureCheck } from "../../src/trust/signature-verifier.js";
import { recording } from "../recordings/recording.js";
import { verifierOn } from "./verifier-behaviour.js";

interface Signed {
  readonly keys: Readonly<Record<string, string>>;
  readonly signatures?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * All signatures in the responses of a real server whose key is in the same response: by devices and by cross-signing
 * keys.
 */
const recorded: readonly (readonly [name: string, object: Signed, publicKey: string, signature: string])[] =
  recording.flatMap((exchange) => {
    if (exchange.type !== "query") return [];
    const { device_keys, master_keys, self_signing_keys } = exchange.answer;
    return Object.entries(device_keys).flatMap(([userId, devices]) => {
      const signed: readonly Signed[] = [
        ...Object.values(devices),
        ...[master_keys?.[userId], self_signing_keys?.[userId]].filter((key) => key !== undefined),
      ];
      const keys = Object.assign({}, ...signed.map((object) => object.keys)) as Readonly<Record<string, string>>;
      return signed.flatMap((object) =>
        Object.entries(object.signatures?.[userId] ?? {}).map(
          ([keyId, signature]) =>
            [`${userId} ${Object.keys(object.keys).join()} by ${keyId}`, object, keys[keyId]!, signature] as const,
        ),
      );
    });
  });

const check = (object: Signed, publicKey: string, signature: string): SignatureCheck => ({
  publicKey: decodeBase64(publicKey, 32)!,
  message: signedBytes({ ...object })!,
  signature: decodeBase64(signature, 64)!,
});

describe("the signatures in the responses of a real server", () => {
  it.each([
    ["WebCrypto", webCrypto],
    ["JavaScript", noble],
  ] as const)("are valid, verified with %s, and only for the signed content", async (_, engine) => {
    expect(recorded.length).toBeGreaterThan(15);
    expect(recorded.filter(([name]) => !/by ed25519:[A-Z]+\d$/u.test(name)).length).toBeGreaterThan(2); // by cross-signing keys
    const as = (change: (object: Signed) => Signed) =>
      recorded.map(([, object, publicKey, signature]) => check(change(object), publicKey, signature));
    const verify = (checks: readonly SignatureCheck[]) => lastValueFrom(verifierOn(engine).verify(checks));
    expect(await verify(as((object) => object))).toEqual(recorded.map(() => true));
    expect(
      await verify(as((object) => ({ ...object, unsigned: { device_display_name: "another" }, signatures: {} }))),
    ).toEqual(recorded.map(() => true));
    expect(await verify(as((object) => ({ ...object, more: 1 })))).toEqual(recorded.map(() => false));
  });
});
