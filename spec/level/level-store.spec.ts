import { symlinkSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { forkJoin, lastValueFrom } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { levelStore } from "../../src/level/level-store.js";
import { COUNTER, failureOf, isClosed, put, saved, useLevelDirectory } from "./level-directory.js";

const paths = useLevelDirectory();
const SOON = { timeout: 5_000, interval: 5 };

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the connection of a levelStore", () => {
  it("is opened by the first operation and not before", async () => {
    const open = vi.spyOn(ClassicLevel.prototype, "open");
    const store = levelStore(paths.location);
    store.read([COUNTER]);
    store.commits$.subscribe().unsubscribe();
    expect(open).not.toHaveBeenCalled();
    await saved(store);
    expect(open).toHaveBeenCalledOnce();
  });

  it("is closed after the last operation without a subscriber of commits$", async () => {
    await lastValueFrom(put(levelStore(paths.location), 1));
    await expect.poll(() => isClosed(paths.location), SOON).toBe(true);
  });

  it("stays open while any store on the location has a subscriber of commits$", async () => {
    const open = vi.spyOn(ClassicLevel.prototype, "open");
    const [store, other] = [levelStore(paths.location), levelStore(paths.location)];
    const subscriptions = [store.commits$.subscribe(), other.commits$.subscribe()];
    for (let i = 0; i < 5; i++) await lastValueFrom(put(store, i));
    subscriptions[0]?.unsubscribe();
    expect(await saved(other)).toBe(4);
    expect(open).toHaveBeenCalledOnce();
    subscriptions[1]?.unsubscribe();
    await expect.poll(() => isClosed(paths.location), SOON).toBe(true);
  });

  it("is one, whatever a location is called", async () => {
    const link = join(paths.directory, "link");
    symlinkSync(paths.directory, link);
    const [store, other] = [levelStore(paths.location), levelStore(join(link, "x", "..", "devices"))];
    const announced: unknown[] = [];
    const subscription = other.commits$.subscribe((announcement) => announced.push(announcement));
    await lastValueFrom(put(store, 1));
    expect(await saved(other)).toBe(1);
    expect(announced).toEqual([1]);
    subscription.unsubscribe();
  });

  it("is opened again after it was closed, also while it is being closed", async () => {
    const store = levelStore(paths.location);
    for (let i = 0; i < 20; i++) {
      await lastValueFrom(put(store, i));
      if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, i % 2));
      expect(await saved(levelStore(paths.location))).toBe(i);
    }
  });

  it("is opened again after it could not be closed cleanly", async () => {
    const closed = vi.spyOn(ClassicLevel.prototype, "close");
    closed.mockImplementationOnce(async function (this: ClassicLevel) {
      await this.close();
      throw new Error("the last write failed");
    });
    const store = levelStore(paths.location);
    await lastValueFrom(put(store, 1));
    await expect.poll(() => closed.mock.settledResults[0]?.type, SOON).toBe("rejected");
    expect(await saved(store)).toBe(1);
  });

  it("is replaced after a failed write, since LevelDB accepts none after it", async () => {
    const store = levelStore(paths.location);
    const subscription = store.commits$.subscribe();
    await lastValueFrom(put(store, 1));
    const failure = Object.assign(new Error("IO error: 000003.log: No space left on device"), {
      code: "LEVEL_IO_ERROR",
    });
    const open = vi.spyOn(ClassicLevel.prototype, "open");
    vi.spyOn(ClassicLevel.prototype, "batch").mockReturnValueOnce(Promise.reject(failure) as never);
    const error = await failureOf(put(store, 2));
    expect([error.failure, error.location, error.cause]).toEqual(["full", paths.location, failure]);
    expect(error.message).toContain("free some space");
    expect(await saved(store)).toBe(1);
    await lastValueFrom(put(store, 3));
    expect(open).toHaveBeenCalledOnce();
    subscription.unsubscribe();
  });
});

describe("an update of a levelStore", () => {
  it("is written through to the disk", async () => {
    const batch = vi.spyOn(ClassicLevel.prototype, "batch");
    await lastValueFrom(put(levelStore(paths.location), 1));
    expect(batch.mock.calls.map(([, options]: readonly unknown[]) => options)).toEqual([
      { sync: true },
      { sync: true },
    ]);
  });

  it("writes nothing if a record cannot be cloned, and the next one goes on", async () => {
    const store = levelStore(paths.location);
    await expect(lastValueFrom(put(store, () => {}))).rejects.toThrow("could not be cloned");
    expect(await saved(store)).toBeUndefined();
    await lastValueFrom(put(store, 1));
    expect(await saved(store)).toBe(1);
  });

  it("that was given up while others wait has no effect", async () => {
    const store = levelStore(paths.location);
    const first$ = put(store, 1);
    const change = vi.fn(() => ({ puts: [[COUNTER, 2]] as const, deletes: [], result: 2 }));
    const first = lastValueFrom(first$);
    store.update([], change).subscribe().unsubscribe();
    await first;
    await lastValueFrom(put(store, 3));
    expect(await saved(store)).toBe(3);
    expect(change).not.toHaveBeenCalled();
  });

  it("that is given up before it begins to write writes nothing", async () => {
    const store = levelStore(paths.location);
    const subscription = store
      .update([], () => {
        subscription.unsubscribe();
        return { puts: [[COUNTER, 1]], deletes: [], result: undefined };
      })
      .subscribe();
    await lastValueFrom(store.update([], () => ({ puts: [], deletes: [], result: undefined }))); // after it
    expect(await saved(store)).toBeUndefined();
  });

  it("sees what all updates before it wrote, by any store", async () => {
    const increment = () =>
      levelStore(paths.location).update([COUNTER], ([count = 0]) => {
        const next = (count as number) + 1;
        return { puts: [[COUNTER, next]], deletes: [], result: next };
      });
    const results = await lastValueFrom(forkJoin(Array.from({ length: 30 }, increment)));
    expect(results).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });
});

describe("clear() of a levelStore", () => {
  it("leaves nothing of the records in the files", async () => {
    const store = levelStore(paths.location);
    await lastValueFrom(put(store, "a secret"));
    await lastValueFrom(store.clear());
    const files = (await readdir(paths.location)).filter((name) => !name.startsWith("LO"));
    const contents = await Promise.all(files.map((name) => readFile(join(paths.location, name), "latin1")));
    expect(contents.filter((content) => content.includes("secret"))).toEqual([]);
  });

  it("leaves a database that is ours, for what is written before it is closed", async () => {
    const store = levelStore(paths.location);
    const subscription = store.commits$.subscribe();
    await lastValueFrom(put(store, 1));
    await lastValueFrom(store.clear());
    await lastValueFrom(put(store, 2));
    subscription.unsubscribe();
    await expect.poll(() => isClosed(paths.location), SOON).toBe(true);
    expect(await saved(store)).toBe(2);
  });
});

describe("a location", () => {
  it.each(["", undefined, 1])("that is %j is a TypeError", (location) => {
    expect(() => levelStore(location as never)).toThrow(TypeError);
  });
});
