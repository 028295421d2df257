import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { lastValueFrom, type Observable } from "rxjs";
import { afterEach, beforeEach, expect } from "vitest";
import { LevelStoreError } from "../../src/level/level-store-error.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";

export const COUNTER: RecordKey = ["list", "counter"];

/** For each test an empty directory of its own, and a path in it that does not exist yet. */
export function useLevelDirectory(): { readonly directory: string; readonly location: string } {
  const paths = { directory: "", location: "" };
  beforeEach(() => {
    paths.directory = mkdtempSync(join(tmpdir(), "level-"));
    paths.location = join(paths.directory, "devices");
  });
  afterEach(() => {
    rmSync(paths.directory, { recursive: true });
  });
  return paths;
}

export const put = (store: DeviceStore, value: unknown): Observable<string> =>
  store.update([], () => ({ puts: [[COUNTER, value]], deletes: [], result: "written", announce: value }));

export const saved = async (store: DeviceStore): Promise<unknown> => (await lastValueFrom(store.read([COUNTER])))[0];

export async function failureOf(operation: Observable<unknown>): Promise<LevelStoreError> {
  const error: unknown = await lastValueFrom(operation).then(
    () => new Error("the operation succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LevelStoreError);
  return error as LevelStoreError;
}

/** Whether no connection has this database open. */
export async function isClosed(location: string): Promise<boolean> {
  const database = new ClassicLevel(location);
  const opened = await database.open().then(
    () => true,
    () => false,
  );
  await database.close();
  return opened;
}
