import { readFileSync } from "node:fs";
import { lastValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import { noble } from "../../src/ed25519/noble.js";
import { webCrypto } from "../../src/ed25519/web-crypto.js";
import { hex } from "../vectors/hex.js";
import { verifierOn } from "./verifier-behaviour.js";

interface Vectors {
  readonly groups: readonly {
    readonly publicKey: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid";
    }[];
  }[];
}

const file = new URL("../vectors/wycheproof-ed25519.json", import.meta.url);

/**
 * Vectors whose result differs from Wycheproof's: none, since no vector has a key of small order, and no valid one an R
 * of small order.
 */
const DIFFERENT: readonly number[] = [];

describe("Wycheproof's ed25519 vectors", () => {
  it.each([
    ["WebCrypto", webCrypto],
    ["JavaScript", noble],
  ] as const)("have the expected results with %s", async (_, engine) => {
    const { groups } = JSON.parse(readFileSync(file, "utf8")) as Vectors;
    const tests = groups.flatMap(({ publicKey, tests: ofKey }) =>
      ofKey.map((test) => ({ ...test, publicKey: hex(publicKey) })),
    );
    expect([tests.length, tests.filter(({ result }) => result === "valid").length]).toEqual([151, 88]);
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
