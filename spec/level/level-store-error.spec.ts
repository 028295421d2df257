import { expect, it } from "vitest";
import { levelStoreError, type LevelStoreFailure } from "../../src/level/level-store-error.js";

const withCode = (code: string, message = "…", cause?: Error) => Object.assign(new Error(message, { cause }), { code });

it.each<[LevelStoreFailure, Error]>([
  ["locked", withCode("LEVEL_LOCKED")],
  ["locked", withCode("LEVEL_DATABASE_NOT_OPEN", "failed to open", withCode("LEVEL_LOCKED"))],
  ["damaged", withCode("LEVEL_CORRUPTION")],
  ["damaged", withCode("LEVEL_IO_ERROR", "IO error: /bot/MANIFEST-000002: No such file or directory")],
  ["damaged", withCode("LEVEL_IO_ERROR", "IO error: /bot/000005.ldb: No such file or directory")],
  ["foreign", withCode("LEVEL_INVALID")],
  ["foreign", withCode("ENOTDIR")],
  ["full", withCode("ENOSPC")],
  ["full", withCode("EDQUOT")],
  ["full", withCode("LEVEL_IO_ERROR", "IO error: /bot/000003.log: No space left on device")],
  ["failed", withCode("LEVEL_IO_ERROR", "IO error: /bot/000003.log: Input/output error")],
  ["failed", withCode("EACCES", "permission denied")],
])("says %s of %o", (failure, cause) => {
  const error = levelStoreError("/bot", cause);
  expect([error.failure, error.location]).toEqual([failure, "/bot"]);
  expect(error.message).toContain('"/bot"');
  if (failure === "failed") expect(error.message).toContain(cause.message);
});
