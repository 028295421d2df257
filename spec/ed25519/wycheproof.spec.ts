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

/** Project Wycheproof's ed25519 vectors, `testvectors_v1/ed25519_test.json`: too many to carry along, and read where they lie beside the repository. */
const file = new URL("../../../shared/vectors/wycheproof-ed25519.json", import.meta.url);
const there = existsSync(file);
if (!there) console.warn("Wycheproof's ed25519 vectors are not there: they are left out.");

/** Vectors where being strict differs from Wycheproof's "valid" and "invalid": none. None of them has a key of small order, a valid one with an R of small order neither. */
const DIFFERENT: readonly number[] = [];

describe.runIf(there)("Wycheproof's ed25519 vectors", () => {
  it.each([
    ["WebCrypto", webCrypto],
    ["JavaScript", noble],
  ] as const)("are decided by %s as they must be", async (_, engine) => {
    const { numberOfTests, testGroups } = JSON.parse(readFileSync(file, "utf8")) as Wycheproof;
    const tests = testGroups.flatMap(({ publicKey, tests }) =>
      tests.map((test) => ({ ...test, publicKey: hex(publicKey.pk) })),
    );
    expect([tests.length, tests.filter(({ result }) => result === "valid").length]).toEqual([numberOfTests, 88]);
    const holds = await lastValueFrom(
      verifierOn(engine).verify(
        tests.map(({ publicKey, msg, sig }) => ({ publicKey, message: hex(msg), signature: hex(sig) })),
      ),
    );
    expect(tests.filter(({ result }, i) => holds[i] !== (result === "valid")).map(({ tcId }) => tcId)).toEqual(
      DIFFERENT,
    );
  });
});
