import type { StoreOperation } from "../../src/testing/scripted-store.js";
import type { UserId } from "../../src/model/ids.js";

export const ME = "@me:example.org";
export const BOB = "@bob:example.org";
export const CAROL = "@carol:other.example:8448";
export const DAVE = "@dave:other.example:8448";
export const USERS: readonly UserId[] = [ME, BOB, CAROL, DAVE];
export const SERVERS = ["example.org", "other.example:8448"] as const;

/** How a sync response looks on the wire. Those of the second half hide what they were to say, wholly or in part. */
export type StepShape =
  | "plain"
  | "without since"
  | "with the token it answers"
  | "with the token it answers, without since"
  | "naming users twice"
  | "with IDs that are none"
  | "that is no object"
  | "without a token"
  | "whose lists are no object"
  | "whose changed is no array"
  | "with entries that are no strings"
  | "whose since is no token";

/** How a query is answered. */
export type Outcome =
  | "lists"
  | "lists, twice"
  | "lists, among hostile ones"
  | "lists, with another key"
  | "lists, and failures"
  | "null sections"
  | "an error"
  | "nothing"
  | "no object"
  | "device_keys that are no object"
  | "failures that are no object"
  | "users that are no objects";

/** How the server answers who changed between two tokens. */
export type ChangesOutcome =
  | "the truth"
  | "the truth, twice"
  | "the truth, among IDs that are none"
  | "an error"
  | "nothing"
  | "null"
  | "lists that are no arrays";

/** What a caller does in the moment of its answer. */
export type Then = "nothing" | "asks again" | "is given the next step" | "sees a change and is given it";

/** Which tab something happens in; where there is one only, it is that one. */
interface InTab {
  readonly tab: 0 | 1;
}

/** Everything that can happen. `which` picks one of those there are, whatever their number. */
export type Command =
  /** On the server: keys of a user change, a user begins or ceases to share a room with us. */
  | { readonly type: "change" | "join" | "leave"; readonly user: UserId }
  /** The server answers the tab's sync loop; the response is on its way. `toAll`: other tabs are handed it, too. */
  | (InTab & { readonly type: "sync"; readonly shape: StepShape; readonly toAll: boolean })
  /** The sync loop begins anew: without a token, or from an older one. */
  | (InTab & { readonly type: "initial sync" })
  | (InTab & { readonly type: "rewind"; readonly by: number })
  /** The next response that is on its way arrives, or never does; one that came before comes once more. */
  | (InTab & { readonly type: "deliver" | "lose" })
  | (InTab & { readonly type: "deliver again"; readonly which: number })
  | (InTab & { readonly type: "connect" | "disconnect" })
  | (InTab & { readonly type: "end sync"; readonly how: "complete" | "error" })
  | (InTab & {
      readonly type: "lookup";
      readonly users: readonly UserId[];
      readonly forceDownload: boolean;
      readonly timeout: number | undefined;
      readonly then: Then;
    })
  | (InTab & { readonly type: "known" | "watch" | "track"; readonly users: readonly UserId[] })
  /** A lookup or watcher is unsubscribed. */
  | { readonly type: "cancel"; readonly which: number }
  /** A query in flight is answered, with the lists as they were when it arrived, or as they are now. */
  | {
      readonly type: "answer";
      readonly which: number;
      readonly looksAt: "arrival" | "departure";
      readonly outcome: Outcome;
    }
  /** The server says who changed while steps were missed, or fails to. */
  | { readonly type: "answer changes"; readonly which: number; readonly outcome: ChangesOutcome }
  /** From now on queries are answered as they arrive, or when the history says so. */
  | { readonly type: "server answers"; readonly when: "at once" | "when told" }
  | { readonly type: "outage"; readonly server: (typeof SERVERS)[number]; readonly down: boolean }
  | { readonly type: "wait"; readonly ms: number }
  | (InTab & {
      readonly type: "store trouble";
      readonly trouble: "fails" | "hangs" | "hangs, though done";
      readonly operation: StoreOperation | undefined;
    })
  /** The next verification of signatures fails, or never ends. */
  | (InTab & { readonly type: "verifier trouble"; readonly trouble: "fails" | "hangs" })
  /** Somebody asks whose a key is. */
  | (InTab & { readonly type: "find"; readonly user: UserId })
  /** The page is gone, with everything it had not finished, and loaded again. */
  | (InTab & { readonly type: "restart" })
  /** Log-out. */
  | (InTab & { readonly type: "clear" });

/** The fixed circumstances of a history. */
export interface Setup {
  readonly tabs: 1 | 2;
  /** How long an operation of the store takes, in ms; 0: it answers synchronously. */
  readonly storeTakes: number;
  /** How long verifications of signatures take, in turn, in ms; 0: answered synchronously. */
  readonly verifierTakes: readonly number[];
  /** Whether devices are signed in their own name. Where they are, those that are not are refused. `anew`: what is signed is never the same twice, and nothing is known to hold. */
  readonly signed: "no" | "once" | "anew";
  readonly maxUsersPerQuery: number;
  readonly maxConcurrentQueries: number;
  readonly maxListsInMemory: number;
  /** Whether the server says at once, and truthfully, who changed while steps were missed, or what and when the history says. */
  readonly tellsChanges: "at once" | "when told";
  /** Whether it begins as most do: an initial sync, then everybody but Dave shares a room with us, and their lists are fetched and saved. */
  readonly settled: boolean;
  /** Whether somebody looks users up from inside `deviceChanges$`. */
  readonly asksInsideChanges: boolean;
}

const short = (user: UserId): string => user.slice(0, user.includes(":") ? user.indexOf(":") : undefined);
export const names = (users: Iterable<UserId>): string => `[${Array.from(users, short).join(" ")}]`;

/** For people. */
export function describe(command: Command): string {
  const tab = "tab" in command ? `tab ${command.tab}: ` : "";
  switch (command.type) {
    case "change":
    case "join":
    case "leave":
      return `${command.type} ${short(command.user)}`;
    case "sync":
      return `${tab}the server answers sync, ${command.shape}${command.toAll ? ", for all tabs" : ""}`;
    case "rewind":
      return `${tab}sync goes back by ${command.by}`;
    case "deliver again":
      return `${tab}deliver response ${command.which} again`;
    case "end sync":
      return `${tab}sync$ ends (${command.how})`;
    case "lookup": {
      const { users, forceDownload, timeout, then } = command;
      return `${tab}lookup ${names(users)}${forceDownload ? " forceDownload" : ""}${timeout === undefined ? "" : ` timeout ${timeout}`}${then === "nothing" ? "" : `, which then ${then}`}`;
    }
    case "known":
    case "watch":
    case "track":
      return `${tab}${command.type} ${names(command.users)}`;
    case "cancel":
      return `cancel ${command.which}`;
    case "answer":
      return `answer query ${command.which} with ${command.outcome}, looked at on ${command.looksAt}`;
    case "answer changes":
      return `answer ${command.which} of those who ask for changes with ${command.outcome}`;
    case "server answers":
      return `the server answers ${command.when}`;
    case "outage":
      return `${command.server} is ${command.down ? "down" : "up"}`;
    case "wait":
      return `wait ${command.ms} ms`;
    case "store trouble":
      return `${tab}the next ${command.operation ?? "operation"} of the store ${command.trouble}`;
    case "verifier trouble":
      return `${tab}the next verification ${command.trouble}`;
    case "find":
      return `${tab}find a key of ${short(command.user)}`;
    case "initial sync":
    case "deliver":
    case "lose":
    case "connect":
    case "disconnect":
    case "restart":
    case "clear":
      return `${tab}${command.type}`;
  }
}
