import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { builtPage } from "../../demo/serving/built-page.mjs";
import { hashOf } from "../../demo/serving/hash-of.mjs";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "built-page-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("the demo's page", () => {
  it("is built once for the same sources, and not again by another process", async () => {
    const onBuild = vi.fn();
    const page = await builtPage(onBuild, folder);
    expect(Object.keys(page)).toContain("/index.html");
    expect(onBuild).toHaveBeenCalledTimes(1);
    expect(await builtPage(onBuild, folder)).toEqual(page);
    expect(onBuild).toHaveBeenCalledTimes(1);
    expect(await readdir(folder)).toHaveLength(1);
  });

  it("is built again if a source was changed, renamed, added or removed", async () => {
    await mkdir(join(folder, "src/deep"), { recursive: true });
    const [one, two] = [join(folder, "src/deep/one.ts"), join(folder, "src/two.ts")];
    await writeFile(one, "1");
    const hashes = [hashOf(folder, ["src"])];
    const changes = [
      () => writeFile(one, "2"),
      () => writeFile(two, "2"),
      () => rename(two, join(folder, "src/three.ts")),
      () => rm(one),
    ];
    for (const change of changes) {
      await change();
      hashes.push(hashOf(folder, ["src"]));
    }
    expect(new Set(hashes).size).toBe(5);
  });

  it("is not built again for another time of the same files", async () => {
    const file = join(folder, "one.ts");
    await writeFile(file, "1");
    const before = hashOf(folder, ["one.ts"]);
    await utimes(file, 0, 0);
    expect(hashOf(folder, ["one.ts"])).toBe(before);
  });
});
