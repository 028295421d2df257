import { afterAll, describe, vi } from "vitest";
import type * as batchSizes from "../../src/model/batch-sizes.js";
import { SEED } from "../support/seed.js";
import { testHistories } from "./test-histories.js";

/**
 * Nearly every history has several snapshots, records that are split, tabs that are too far behind to read the log, steps
 * in parts, and answers that are settled one by one.
 */
vi.mock("../../src/model/batch-sizes.js", (): { readonly [name in keyof typeof batchSizes]: number } => ({
  USERS_PER_SNAPSHOT_RECORD: 2,
  MIN_LOG: 2,
  USERS_PER_LOG_RECORD: 100,
  MAX_TAIL: 3,
  MAX_RECORDS_PER_TRANSACTION: 3,
  MAX_DEVICES_PER_TRANSACTION: 3,
  MAX_USERS_IN_TRANSACTION: 2,
  DEVICES_PER_INDEX_RECORD: 2,
  MAX_USERS_AT_ONCE: 2,
  USERS_AT_A_TIME: 2,
  DEVICES_AT_A_TIME: 2,
  MAX_DEVICES_TOGETHER: 1,
  MAX_LENGTH_TOGETHER: 1_000,
}));

/** A tenth of those with records of the usual size, at least 200. */
const RUNS = Math.max(200, Math.ceil(Number(process.env.PROPERTY_RUNS ?? 0) / 10));

describe("every promise holds in random histories with small records", () => {
  testHistories(RUNS);
  afterAll(() => {
    if (process.env.PROPERTY_RUNS !== undefined) console.log(`PROPERTY_SEED=${SEED}, ${RUNS} histories`);
  });
});
