import { parseArgs } from "node:util";
import { isUserId } from "./user-id.js";
import { UsageError } from "./usage-error.js";

export interface Options {
  readonly json: boolean;
  /** The directory of a levelStore; `undefined` for memory. */
  readonly store: string | undefined;
}

export type CommandName = "watch" | "devices" | "room" | "whois";

export type Parsed =
  | { readonly type: "help"; readonly command: CommandName | undefined }
  | { readonly type: "version" }
  | {
      readonly type: "command";
      readonly command: CommandName;
      readonly operands: readonly string[];
      readonly options: Options;
    };

const OPTIONS = {
  json: { type: "boolean" },
  store: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
} as const;

/** Checks each command's operands. */
const OPERANDS: Readonly<Record<CommandName, (operands: readonly string[]) => string | undefined>> = {
  watch: notUsers,
  devices: (users) => (users.length === 0 ? "devices needs at least one user ID" : notUsers(users)),
  room: (rooms) =>
    rooms.length === 1 && /^[!#]./u.test(rooms[0] ?? "")
      ? undefined
      : "room needs one room ID (!…) or alias (#…); quote it, since shells give ! and # a meaning",
  whois: ([key = ""]) =>
    /^[A-Za-z0-9+/]{43}$/u.test(key)
      ? undefined
      : "whois needs one public key: 43 characters of base64, as clients show it",
};

/** @throws UsageError */
export function parseCommand(args: readonly string[]): Parsed {
  const { values, positionals } = parsed(args);
  const [command, ...rest] = positionals;
  if (command !== undefined && command !== "help" && !isCommand(command))
    throw new UsageError(`there is no command "${command}"`);
  if (command === "help") return { type: "help", command: isCommand(rest[0]) ? rest[0] : undefined };
  if (values.help === true) return { type: "help", command };
  if (values.version === true) return { type: "version" };
  if (command === undefined) throw new UsageError("a command is missing");
  const operands = command === "whois" ? [keyIn(rest.join(""))] : rest;
  const complaint = OPERANDS[command](operands);
  if (complaint !== undefined) throw new UsageError(complaint);
  if (values.store === "") throw new UsageError("--store needs the path of a directory");
  return { type: "command", command, operands, options: { json: values.json === true, store: values.store } };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error));
  }
}

const isCommand = (name: string | undefined): name is CommandName =>
  name !== undefined && Object.hasOwn(OPERANDS, name);

function notUsers(users: readonly string[]): string | undefined {
  const other = users.find((user) => !isUserId(user));
  return other === undefined ? undefined : `"${other}" is not a user ID; a user ID looks like @bob:example.org`;
}

/** Keys are shown in groups, which a shell passes one by one unless they are quoted, and other programs pad them. */
const keyIn = (text: string): string => text.replaceAll(/\s/gu, "").replace(/=$/u, "");
