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
const row = (entry: string) =>
  README.split("\n").find((line) => line.startsWith(`| \`matrix-device-tracker${entry.slice(1)}\` `));

describe("the README", () => {
  it("lists every entry of the package", () => {
    const code = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
    expect(code.filter((entry) => row(entry) === undefined)).toEqual([]);
  });

  it.each(Object.entries(ENTRIES))("lists what %s exports", (entry, exported) => {
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
    const links = [...matches(README, /\]\((.+?)\)/gu), ...matches(README, /^\[.+?\]: (.+)$/gmu)];
    expect(links).not.toEqual([]);
    for (const link of links) {
      expect(link.startsWith(`${repository}/blob/main/`), link).toBe(true);
      expect(existsSync(new URL(link.slice(`${repository}/blob/main/`.length), ROOT)), link).toBe(true);
    }
  });

  it("can be read in one go", () => {
    expect(README.trimEnd().split("\n").length).toBeLessThanOrEqual(250);
  });
});

describe("limits that the documentation of results names", () => {
  it("are exported", () => {
    const named = matches(readFileSync(new URL("src/model/results.ts", ROOT), "utf8"), /`(MAX_\w+)`/gu);
    expect(named).not.toEqual([]);
    expect(Object.keys(core)).toEqual(expect.arrayContaining(named));
  });
});
