import { readFileSync } from "node:fs";
import * as wasm from "@matrix-org/matrix-sdk-crypto-wasm";
import * as rxjs from "rxjs";
import * as rxjsTesting from "rxjs/testing";
import ts from "typescript";
import * as browser from "../../src/browser/index.js";
import * as http from "../../src/http/index.js";
import * as idb from "../../src/idb/index.js";
import * as core from "../../src/index.js";
import * as level from "../../src/level/index.js";
import * as olmMachine from "../../src/olm-machine/index.js";
import * as rooms from "../../src/rooms/index.js";
import * as tabs from "../../src/tabs/index.js";
import * as testing from "../../src/testing/index.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
export const README = read("README.md");
const RECIPES = read("docs/recipes.md");

/** The block that the others continue. */
export const COMPOSITION = "Piece by piece";

/** A TypeScript block of the README, or of a recipe. */
export interface Block {
  /** The heading that it is under. */
  readonly title: string;
  readonly code: string;
}

const blocksIn = (text: string): readonly Block[] =>
  Array.from(text.matchAll(/^#+ ([^\n]+)|^```ts\n(.+?)^```/gmsu), ([, title, code]) => ({ title, code })).reduce<{
    title: string;
    blocks: Block[];
  }>(
    ({ title, blocks }, found) => ({
      title: found.title ?? title,
      blocks: found.code === undefined ? blocks : [...blocks, { title, code: found.code }],
    }),
    { title: "", blocks: [] },
  ).blocks;

export const BLOCKS = blocksIn(`${README}\n${RECIPES}`);
/** The folder of the example with matrix-js-sdk, and the code in its README. */
export const EXAMPLE = "examples/matrix-js-sdk/";
export const EXAMPLE_BLOCKS = blocksIn(read(`${EXAMPLE}README.md`));

export function blockUnder(heading: string): Block {
  const block = BLOCKS.find(({ title }) => title === heading);
  if (block === undefined) throw new Error(`there is no code under "${heading}"`);
  return block;
}

/** The constants that a block defines. */
export function constantsOf({ code }: Block): readonly string[] {
  return Array.from(code.matchAll(/^const (?:([\w$]+)|\{ ([\w$, ]+) \}) =/gmu)).flatMap(
    ([, name, names]) => name ?? names?.split(", ") ?? [],
  );
}

const MODULES: Readonly<Record<string, object>> = {
  rxjs,
  "rxjs/testing": rxjsTesting,
  "@matrix-org/matrix-sdk-crypto-wasm": wasm,
  "matrix-device-tracker": core,
  "matrix-device-tracker/browser": browser,
  "matrix-device-tracker/http": http,
  "matrix-device-tracker/idb": idb,
  "matrix-device-tracker/level": level,
  "matrix-device-tracker/olm-machine": olmMachine,
  "matrix-device-tracker/rooms": rooms,
  "matrix-device-tracker/tabs": tabs,
  "matrix-device-tracker/testing": testing,
};

/**
 * Runs a block as it is written.
 *
 * @param context what the application has: its values by name
 * @returns the constants that the block defines
 */
export function run(block: Block, context: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { outputText } = ts.transpileModule(block.code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const body = outputText.replaceAll(/^import (?:\* as )?(\{.+?\}|\w+) from (".+?");$/gmsu, "const $1 = MODULES[$2];");
  const names = Object.keys(context);
  const result = `return { ${constantsOf(block).join(", ")} };`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the code is our own
  const call = new Function("MODULES", ...names, `"use strict"; { ${body}\n${result} }`) as (
    ...values: unknown[]
  ) => Readonly<Record<string, unknown>>;
  return call(MODULES, ...names.map((name) => context[name]));
}
