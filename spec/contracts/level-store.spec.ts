import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { levelStore } from "../../src/level/level-store.js";
import { testContract } from "./test-contract.js";

const directory = mkdtempSync(join(tmpdir(), "level-contract-"));
let databases = 0;

afterAll(() => {
  rmSync(directory, { recursive: true });
});

testContract("levelStore", () => {
  const location = join(directory, String(++databases));
  return () => levelStore(location);
});
