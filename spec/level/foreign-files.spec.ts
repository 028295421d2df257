import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { lastValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import { levelStore } from "../../src/level/level-store.js";
import { failureOf, isClosed, put, saved, useLevelDirectory } from "./level-directory.js";

const paths = useLevelDirectory();
const file = (name: string) => join(paths.location, name);
const closed = () => expect.poll(() => isClosed(paths.location), { timeout: 5_000, interval: 5 }).toBe(true);

/** A database with one record, closed. */
async function existing(): Promise<void> {
  await lastValueFrom(put(levelStore(paths.location), 1));
  await closed();
}

/** A database of another application. */
async function databaseWith(key: string, value: string): Promise<void> {
  const database = new ClassicLevel(paths.location);
  await database.put(key, value);
  await database.close();
}

const failure = async () => {
  const error = await failureOf(levelStore(paths.location).read([]));
  expect(error.message).toContain(paths.location);
  return error.failure;
};

describe("levelStore, if the directory", () => {
  it("is in use by another process, fails as locked until that ends", async () => {
    await existing();
    const script = `const { ClassicLevel } = await import("classic-level");
      const database = new ClassicLevel(process.argv[1]);
      await database.open();
      console.log("open");
      setInterval(() => {}, 1_000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, paths.location]);
    await once(child.stdout, "data");
    const store = levelStore(paths.location);
    const subscription = store.commits$.subscribe(); // as a tracker does
    const error = await failureOf(put(store, 2));
    expect([error.failure, error.message]).toEqual(["locked", expect.stringContaining("another process")]);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await saved(store)).toBe(1);
    subscription.unsubscribe();
  });

  it("has other files, fails as foreign and adds none", async () => {
    mkdirSync(paths.location);
    writeFileSync(file("thesis.txt"), "…");
    expect(await failure()).toBe("foreign");
    expect(readdirSync(paths.location)).toEqual(["thesis.txt"]);
  });

  it("is a file, fails as foreign", async () => {
    writeFileSync(paths.location, "…");
    expect(await failure()).toBe("foreign");
  });

  it("has a database of another application, fails as foreign and changes nothing", async () => {
    await databaseWith("a key", "a value");
    expect(await failure()).toBe("foreign");
    const database = new ClassicLevel(paths.location);
    expect(await database.keys().all()).toEqual(["a key"]);
    await database.close();
  });

  it.each(["3", "matrix-device-tracker/level/", "matrix-device-tracker/level/0", "matrix-device-tracker/level/1.5"])(
    "has a database of another application, whose format is %j, fails as foreign",
    async (format) => {
      await databaseWith("format", format);
      expect(await failure()).toBe("foreign");
    },
  );

  it("was written by a newer version, fails as newer", async () => {
    await databaseWith("format", "matrix-device-tracker/level/2");
    expect(await failure()).toBe("newer");
  });

  it.each([
    ["a damaged CURRENT", () => writeFileSync(file("CURRENT"), "nonsense")],
    ["a CURRENT that leads nowhere", () => writeFileSync(file("CURRENT"), "MANIFEST-000999\n")],
    ["no CURRENT", () => rmSync(file("CURRENT"))],
    [
      "a damaged manifest",
      () => {
        for (const name of readdirSync(paths.location))
          if (name.startsWith("MANIFEST")) writeFileSync(file(name), "x".repeat(100));
      },
    ],
  ])("has %s, fails as damaged and starts no new database", async (_, damage) => {
    await existing();
    damage();
    expect(await failure()).toBe("damaged");
    expect(await failure()).toBe("damaged");
  });

  it("was left by a process that was killed before the database existed, creates it", async () => {
    mkdirSync(paths.location);
    for (const name of ["LOCK", "LOG", "MANIFEST-000001", "000001.dbtmp"]) writeFileSync(file(name), "");
    const store = levelStore(paths.location);
    await lastValueFrom(put(store, 1));
    expect(await saved(store)).toBe(1);
  });

  it("was left by a process that was killed before it wrote the format, goes on", async () => {
    const database = new ClassicLevel(paths.location);
    await database.open();
    await database.close();
    const store = levelStore(paths.location);
    await lastValueFrom(put(store, 1));
    expect(await saved(store)).toBe(1);
  });
});
