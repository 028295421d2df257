import { ASKED, decode } from "./events.js";
import type { Tab } from "./tab.js";
import { nameOf, USERS, type Truth } from "./truth.js";

/** What an event would be if it happened now, for people. */
export function describeEvent(event: number, truth: Truth, tabs: readonly (Tab | undefined)[]): string {
  const { kind, tab: at, which } = decode(event);
  const tab = tabs[at];
  const query = tab?.queries[which];
  const who = `tab ${at}`;
  switch (kind) {
    case "change":
      return `${nameOf(USERS[which]!)} changes: V${truth.now + 1}`;
    case "sync":
      return `${who} is given the response from ${tab!.loop ?? "the beginning"} to ${truth.ends(tab!.loop)[which]!}`;
    case "lose":
      return `${who} loses the response from ${tab!.loop ?? "the beginning"} to ${truth.now}`;
    case "look up":
      return `${who} looks up ${ASKED[which]!.map(nameOf).join(" and ")}`;
    case "cancel":
      return `${who} cancels its lookup of ${tab!.callers[which]!.users.map(nameOf).join(" and ")}`;
    case "answer as of arrival":
      return `${who} is answered ${query!.users.map((user, i) => `V${query!.seen[i]!} of ${nameOf(user)}`).join(" and ")}, as of the query's arrival`;
    case "answer as of now":
      return `${who} is answered ${query!.users.map((user) => `V${truth.version(user)} of ${nameOf(user)}`).join(" and ")}, as of now`;
    case "fail":
      return `${who}'s query for ${query!.users.map(nameOf).join(" and ")} fails`;
    case "tell who changed":
    case "fail to tell who changed":
      return `/keys/changes ${kind === "tell who changed" ? "is answered to" : "fails for"} ${who}`;
    case "operate":
    case "fail to operate":
      return `${who}'s ${tab!.store.pending[0]!.name} of the store ${kind === "operate" ? "is done" : "fails"}`;
    case "crash in an operation":
      return `${who} crashes, its ${tab!.store.pending[0]!.name} of the store done`;
    case "crash":
      return `${who} crashes`;
    case "restart":
      return `${who} is started again`;
    case "wait":
      return `${who} waits until its next timer (${tab!.timer!.delay} ms) goes off`;
  }
}
