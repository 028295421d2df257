import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Builds the page in memory. It imports the package by its public names, as an application does; they resolve to the
 * sources, so nothing has to be built first.
 *
 * @returns {Promise<Record<string, string>>} the files by path, such as `/index.html`
 */
export async function buildPage() {
  const result = await build({
    root: `${root}demo/page`,
    configFile: false, // the project's builds the package
    logLevel: "error",
    resolve: { alias: entries() },
    build: { write: false, target: "es2022", modulePreload: false, assetsInlineLimit: 0 },
  });
  const outputs =
    /** @type {{ output: { fileName: string, type: string, code?: string, source?: string | Uint8Array }[] }[]} */ (
      Array.isArray(result) ? result : [result]
    );
  return Object.fromEntries(
    outputs.flatMap(({ output }) =>
      output.map((file) => [
        `/${file.fileName}`,
        file.type === "chunk" ? (file.code ?? "") : Buffer.from(file.source ?? "").toString(),
      ]),
    ),
  );
}

/** The entries of the package, by public name: what `exports` says, with `src` in place of `dist`. */
function entries() {
  const { name, exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  return Object.entries(exports).flatMap(([entry, { types }]) =>
    types === undefined
      ? []
      : [
          {
            find: new RegExp(`^${name}${entry.slice(1)}$`),
            replacement: root + types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"),
          },
        ],
  );
}
