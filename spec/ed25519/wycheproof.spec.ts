import { existsSync, readFileSync } from "node:fs";
import { lastValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import { noble } from "../../src/ed25519/noble.js";
import { webCrypto } from "../../src/ed25519/web-crypto.js";
import { hex } from "../vectors/hex.js";
import { verifierOn } from "./verifier-behaviour.js";

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid";
    }[];
  }[];
}

/**
 * Project Wycheproof's `testvectors_v1/ed25519_test.json`. Too large to include, so it is read from a copy next to the
 * repository, if there is one.
 */
const file = new URL("../../../shared/vectors/wycheproof-ed25519.json", import.meta.url);
const isThere = existsSync(file);
if (!isThere) console.warn("Skipping Wycheproof's ed25519 vectors: there is no copy of them.");

/**
 * Vectors whose result differs from Wycheproof's: none, since no vector has a key of small order, and no valid one an R
 * of small order.
 */
const DIFFERENT: readonly number[] = [];

describe.runIf(isThere)("Wycheproof's ed25519 vectors", () => {
  it.each([
    ["WebCrypto", webCrypto],
    ["JavaScript", noble],
  ] as const)("have the expected results with %s", async (_, engine) => {
    const { numberOfTests, testGroups } = JSON.parse(readFileSync(file, "utf8")) as Wycheproof;
    const tests = testGroups.flatMap(({ publicKey, tests }) =>
      tests.map((test) => ({ ...test, publicKey: hex(publicKey.pk) })),
    );
    expect([tests.length, tests.filter(({ result }) => result === "valid").length]).toEqual([numberOfTests, 88]);
    const results = await lastValueFrom(
      verifierOn(engine).verify(
        tests.map(({ publicKey, msg, sig }) => ({ publicKey, message: hex(msg), signature: hex(sig) })),
      ),
    );
    expect(tests.filter(({ result }, i) => results[i] !== (result === "valid")).map(({ tcId }) => tcId)).toEqual(
      DIFFERENT,
    );
  });
});
