import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import * as browser from "../../src/browser/index.js";
import * as http from "../../src/http/index.js";
import * as idb from "../../src/idb/index.js";
import * as core from "../../src/index.js";
import * as level from "../../src/level/index.js";
import * as olmMachine from "../../src/olm-machine/index.js";
import * as rooms from "../../src/rooms/index.js";
import * as tabs from "../../src/tabs/index.js";
import * as testing from "../../src/testing/index.js";
import { README } from "./blocks.js";

const ROOT = new URL("../../", import.meta.url);
const ENTRIES: Readonly<Record<string, object>> = {
  ".": core,
  "./browser": browser,
  "./http": http,
  "./idb": idb,
  "./level": level,
  "./olm-machine": olmMachine,
  "./rooms": rooms,
  "./tabs": tabs,
  "./testing": testing,
};

const matches = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, found = ""]) => found);
const linksIn = (text: string) => [...matches(text, /\]\((.+?)\)/gu), ...matches(text, /^\[.+?\]: (.+)$/gmu)];
const row = (entry: string) =>
  README.split("\n").find((line) => line.startsWith(`| \`matrix-device-tracker${entry.slice(1)}\` `));

describe("the README", () => {
  it("lists every entry of the package", () => {
    const code = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
    expect(code.filter((entry) => row(entry) === undefined)).toEqual([]);
  });

  it.each(Object.entries(ENTRIES))("lists nothing of %s that it does not export", (entry, exported) => {
    const [, , names = ""] = row(entry)?.split("|") ?? [];
    const listed = matches(names, /`(\w+)`/gu);
    expect(listed).not.toEqual([]);
    expect(Object.keys(exported)).toEqual(expect.arrayContaining(listed));
  });

  it("names scripts that exist", () => {
    const scripts = matches(README, /`npm run ([\w:-]+)`/gu);
    expect(scripts).not.toEqual([]);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(scripts));
  });

  it("links to files that exist, by addresses that work on the registry, too", () => {
    const repository = manifest.repository.url.replace(/^git\+|\.git$/gu, "");
    expect(linksIn(README)).not.toEqual([]);
    for (const link of linksIn(README)) {
      expect(link.startsWith(`${repository}/blob/main/`), link).toBe(true);
      expect(existsSync(new URL(link.slice(`${repository}/blob/main/`.length), ROOT)), link).toBe(true);
    }
  });

  it("can be read in one go", () => {
    expect(README.trimEnd().split("\n").length).toBeLessThanOrEqual(250);
  });
});

describe.each([
  "ARCHITECTURE.md",
  "bench/README.md",
  "demo/README.md",
  "docs/differences.md",
  "docs/recipes.md",
  "examples/matrix-js-sdk/README.md",
])("%s", (path) => {
  const text = readFileSync(new URL(path, ROOT), "utf8");

  it("links to files that exist", () => {
    for (const link of linksIn(text))
      if (!link.startsWith("https:")) expect(existsSync(new URL(link, new URL(path, ROOT))), link).toBe(true);
  });

  it("names files and folders that exist", () => {
    const named = matches(text, /`((?:bench|demo|docs|examples|scripts|spec|src)\/[\w./-]+)`/gu);
    expect(named.filter((name) => !existsSync(new URL(name, ROOT)))).toEqual([]);
  });
});

describe("limits that the documentation of results names", () => {
  it("are exported", () => {
    const named = matches(readFileSync(new URL("src/model/results.ts", ROOT), "utf8"), /`(MAX_\w+)`/gu);
    expect(named).not.toEqual([]);
    expect(Object.keys(core)).toEqual(expect.arrayContaining(named));
  });
});
