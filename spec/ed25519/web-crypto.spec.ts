import { lastValueFrom } from "rxjs";
import { expect, it } from "vitest";
import { webCrypto } from "../../src/ed25519/web-crypto.js";
import { rfc8032 } from "../vectors/rfc8032.js";
import { verifierBehaviour, verifierOn } from "./verifier-behaviour.js";

verifierBehaviour("Node's WebCrypto", webCrypto);

it("WebCrypto decides about shared memory without throwing, though browsers refuse it", async () => {
  const [, check] = rfc8032[0]!;
  const shared = new Uint8Array(new SharedArrayBuffer(64));
  shared.set(check.signature);
  expect([[true], [false]]).toContainEqual(
    await lastValueFrom(verifierOn(webCrypto).verify([{ ...check, signature: shared }])),
  );
});
