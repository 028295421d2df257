import { BOB, CAROL, ME, type Command, type Setup } from "./commands.js";

/** A history in which a promise was once broken. */
export interface Found {
  readonly title: string;
  readonly setup?: Partial<Setup>;
  readonly commands: readonly Command[];
}

const tab = 0;
const lookup = (users: readonly string[], rest: Partial<Extract<Command, { type: "lookup" }>> = {}): Command => ({
  type: "lookup",
  tab,
  users,
  forceDownload: false,
  timeout: undefined,
  then: "nothing",
  ...rest,
});
const answer = (which: number): Command => ({ type: "answer", which, looksAt: "arrival", outcome: "lists" });
const told = (index: 0 | 1 = 0): readonly Command[] => [
  { type: "sync", tab: index, shape: "plain", toAll: false },
  { type: "deliver", tab: index },
];
const change = (user: string): Command => ({ type: "change", user });
const wait = (ms: number): Command => ({ type: "wait", ms });
const watch = (...users: readonly string[]): Command => ({ type: "watch", tab, users });

/** Every one of them by chance, then made as short as it is. */
export const FOUND_HISTORIES: readonly Found[] = [
  {
    title: "a watcher is shown another user's news while one who changed before is still being asked for",
    commands: [watch(BOB, CAROL), wait(20_000), change(BOB), ...told(), change(CAROL), ...told(), answer(1)],
  },
  {
    title: "a watched user who could not be asked for leaves",
    commands: [
      change(BOB),
      ...told(),
      watch(BOB),
      { type: "answer", which: 0, looksAt: "arrival", outcome: "an error" },
      { type: "leave", user: BOB },
      ...told(),
    ],
  },
  {
    title: "a lookup of more users than fit in its requests is unsubscribed",
    setup: { maxUsersPerQuery: 1, maxConcurrentQueries: 1 },
    commands: [lookup([ME, BOB, CAROL], { forceDownload: true }), { type: "cancel", which: 0 }],
  },
  {
    title: "the store is cleared, and one connects again",
    commands: [{ type: "clear", tab }, ...told(), { type: "connect", tab }],
  },
  {
    title: "the store is cleared before a watcher reads it",
    commands: [{ type: "restart", tab }, { type: "clear", tab }, watch(BOB)],
  },
  {
    title: "two connections wait for their steps while the store is cleared",
    setup: { storeTakes: 3, settled: false },
    commands: [
      ...told(),
      wait(7),
      change(ME),
      { type: "clear", tab },
      ...told(),
      { type: "disconnect", tab },
      { type: "connect", tab },
      wait(100),
    ],
  },
  {
    title: "a step of another tab is committed between a query and the commits of the two steps before it",
    setup: { tabs: 2, storeTakes: 3 },
    commands: [
      { type: "deliver again", which: 0, tab: 0 },
      change(CAROL),
      ...told(0),
      change(BOB),
      ...told(0),
      lookup([BOB]),
      answer(0),
      change(BOB),
      ...told(1),
      wait(100),
    ],
  },
  {
    title: "a response is lost while a watcher's query is on its way, and who changed in it is not to be learned",
    setup: { tellsChanges: "when told" },
    commands: [
      change(BOB),
      ...told(),
      watch(BOB),
      change(CAROL),
      { type: "sync", tab, shape: "plain", toAll: false },
      { type: "lose", tab },
      ...told(),
      { type: "answer changes", which: 0, outcome: "an error" },
      answer(0),
    ],
  },
  {
    title: "two tabs begin with an initial sync, and one of them asks in between",
    setup: { tabs: 2, storeTakes: 3, settled: false },
    commands: [wait(100), ...told(0), lookup([ME]), answer(0), change(ME), ...told(1), wait(100)],
  },
  {
    title: "a step that outdates everyone takes effect late and is committed again, and few lists are in memory",
    setup: { maxUsersPerQuery: 1, maxConcurrentQueries: 1, maxListsInMemory: 1 },
    commands: [
      { type: "store trouble", trouble: "hangs, though done", operation: undefined, tab },
      change(BOB),
      { type: "sync", tab, shape: "whose lists are no object", toAll: false },
      { type: "deliver", tab },
      { type: "lookup", tab, users: [BOB, CAROL], forceDownload: true, timeout: undefined, then: "nothing" },
      { type: "answer", which: 0, looksAt: "arrival", outcome: "lists" },
      change(CAROL),
      ...told(),
      wait(1),
    ],
  },
  {
    title:
      "a device comes with another key than the one that is pinned, and its list, of which memory has none, cannot be saved",
    setup: { settled: false },
    commands: [
      change(BOB),
      lookup([BOB]),
      { type: "answer", which: 0, looksAt: "arrival", outcome: "lists, with another key" },
      wait(10),
      { type: "store trouble", trouble: "fails", operation: "update", tab },
      lookup([BOB]),
      answer(0),
      wait(10),
    ],
  },
];
