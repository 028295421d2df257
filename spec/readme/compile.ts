import { fileURLToPath } from "node:url";
import ts from "typescript";
import { BLOCKS, constantsOf } from "./blocks.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the README takes for granted in an application. */
const APPLICATION = `
interface Lists { changed?: string[]; left?: string[] }
declare const session: { userId: string; deviceId: string; accessToken: string; refresh(): Promise<string> };
declare const inbox: { save(toDevice: unknown): Promise<void> };
declare const engine: { receiveToDevice(response: object): Promise<void>; deviceListsChanged(lists: Lists | undefined): void };
declare const directory: string;
declare const roomId: string;
declare const outboundSession: import("matrix-device-tracker/rooms").SharedSession;
declare const roomMembers: string[];
declare function show(userId: string, what: object): void;
declare function notify(userId: string, what: object): void;
declare function showOffline(retryIn: number): void;
declare function showLogin(error: unknown): void;
declare function expect(actual: unknown): { toEqual(expected: unknown): void };
`;

/** The first block is a module of its own; the others continue from it. */
function moduleOf(index: number): string {
  const [first] = BLOCKS;
  const block = BLOCKS[index];
  if (first === undefined || block === undefined) throw new Error("README has no code");
  const names = constantsOf(block);
  const inherited = index === 0 ? [] : constantsOf(first).filter((name) => !names.includes(name));
  return [
    inherited.length === 0 ? "" : `import { ${inherited.join(", ")} } from "./block-0.js";`,
    APPLICATION,
    block.code,
    `export { ${names.join(", ")} };`,
  ].join("\n");
}

/** The compiler's complaints about the README's code, with our own options. */
export function complaints(): readonly string[] {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ROOT);
  const files = new Map(BLOCKS.map((_, i) => [`${ROOT}spec/readme/block-${i}.ts`, moduleOf(i)]));
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram(
    [...files.keys()],
    { ...options, noUnusedLocals: false },
    {
      ...host,
      fileExists: (path) => files.has(path) || host.fileExists(path),
      readFile: (path) => files.get(path) ?? host.readFile(path),
      getSourceFile: (path, version, ...rest) => {
        const code = files.get(path);
        return code === undefined
          ? host.getSourceFile(path, version, ...rest)
          : ts.createSourceFile(path, code, version, true);
      },
    },
  );
  return [...files.keys()].flatMap((path, i) => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(
      ({ messageText }) => `${BLOCKS[i]?.title ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
    );
  });
}
