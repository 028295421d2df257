import { fileURLToPath } from "node:url";
import { build } from "vite";

/**
 * Builds the page in memory: no file can be out of date, and two demos do not disturb each other.
 *
 * @returns {Promise<Map<string, string | Uint8Array>>} the files by path, such as `/index.html`
 */
export async function buildPage() {
  const result = await build({
    root: fileURLToPath(new URL("../page", import.meta.url)),
    configFile: false, // the project's builds the package
    logLevel: "error",
    build: { write: false, target: "es2022", modulePreload: false, assetsInlineLimit: 0 },
  });
  const outputs =
    /** @type {{ output: { fileName: string, type: string, code?: string, source?: string | Uint8Array }[] }[]} */ (
      Array.isArray(result) ? result : [result]
    );
  return new Map(
    outputs.flatMap(({ output }) =>
      output.map((file) => [`/${file.fileName}`, (file.type === "chunk" ? file.code : file.source) ?? ""]),
    ),
  );
}
