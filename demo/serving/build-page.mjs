import { fileURLToPath } from "node:url";
import { build } from "vite";

/**
 * Builds the page into memory: no files that could be out of date, and two demos at once do not disturb each other.
 *
 * @returns {Promise<Map<string, string | Uint8Array>>} the files by path, such as `/index.html`
 */
export async function buildPage() {
  const result = await build({
    root: fileURLToPath(new URL("../page", import.meta.url)),
    configFile: false, // the one above builds the package
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
