import { fileURLToPath } from "node:url";
import ts from "typescript";
import { blockUnder, BLOCKS, COMPOSITION, constantsOf, EXAMPLE, EXAMPLE_BLOCKS, type Block } from "./blocks.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the README takes for granted in an application. */
const APPLICATION = `
interface Lists { changed?: string[]; left?: string[] }
declare const session: { userId: string; deviceId: string; accessToken: string; refresh(): Promise<string> };
declare const inbox: { save(toDevice: unknown): Promise<void> };
declare const engine: { receiveToDevice(response: object): Promise<void>; deviceListsChanged(lists: Lists | undefined): void };
declare const directory: string;
declare const machine: import("@matrix-org/matrix-sdk-crypto-wasm").OlmMachine;
declare const roomId: string;
declare const outboundSession: import("matrix-device-tracker/rooms").SharedSession;
declare const roomMembers: string[];
declare function show(userId: string, what: object): void;
declare function notify(userId: string, what: object): void;
declare function showOffline(retryIn: number): void;
declare function showLogin(error?: unknown): void;
declare function expect(actual: unknown): { toEqual(expected: unknown): void };
`;

/** A block of the "Start" is a module of its own, like the composition; the others continue that one. */
function moduleOf(block: Block): string {
  const composition = blockUnder(COMPOSITION);
  const at = BLOCKS.indexOf(composition);
  const names = constantsOf(block);
  const inherited = BLOCKS.indexOf(block) <= at ? [] : constantsOf(composition).filter((name) => !names.includes(name));
  return [
    inherited.length === 0 ? "" : `import { ${inherited.join(", ")} } from "./block-${at}.js";`,
    APPLICATION,
    block.code,
    `export { ${names.join(", ")} };`,
  ].join("\n");
}

const LOGGED_IN = "declare const baseUrl: string, userId: string, deviceId: string, accessToken: string;";

/** The modules to compile, by their paths. */
const MODULES: ReadonlyMap<string, Block> = new Map([
  ...BLOCKS.map((block, i) => [`${ROOT}spec/readme/block-${i}.ts`, { ...block, code: moduleOf(block) }] as const),
  ...EXAMPLE_BLOCKS.map(
    ({ title, code }, i) => [`${ROOT}${EXAMPLE}block-${i}.ts`, { title, code: `${LOGGED_IN}\n${code}` }] as const,
  ),
]);

/** The compiler's complaints about the README's code, with our own options. */
export function complaints(): readonly string[] {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram(
    [...MODULES.keys()],
    { ...options, noUnusedLocals: false },
    {
      ...host,
      fileExists: (path) => MODULES.has(path) || host.fileExists(path),
      readFile: (path) => MODULES.get(path)?.code ?? host.readFile(path),
      getSourceFile: (path, version, ...rest) => {
        const code = MODULES.get(path)?.code;
        return code === undefined
          ? host.getSourceFile(path, version, ...rest)
          : ts.createSourceFile(path, code, version, true);
      },
    },
  );
  return Array.from(MODULES).flatMap(([path, { title }]) => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText }) => `${title}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
  });
}
