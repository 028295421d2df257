import type { Event, Setup } from "./history.js";
import { BOB, CAROL, DAVE, EVE, ME } from "./server.js";

/** A history in which a promise was broken once. */
export interface KnownHistory {
  readonly title: string;
  readonly setup?: Partial<Setup>;
  readonly events: readonly Event[];
}

const tab = 0;
const change = (user: string): Event => ({ type: "change", user });
const move = (user: string): Event => ({ type: "move", user });
const wait = (ms: number): Event => ({ type: "wait", ms });
const lookup = (...users: readonly string[]): Event => ({ type: "lookup", tab, users, force: false });
const watch = (...users: readonly string[]): Event => ({ type: "watch", tab, users });
const call = (type: "track" | "untrack" | "invalidate", user: string): Event => ({ type, tab, users: [user] });
const restart = (after: Extract<Event, { type: "restart" }>["after"]): Event => ({ type: "restart", tab, after });
const takeOver = (index: number, isLate = false): Event => ({ type: "take over", tab: index, isLate });
const outage = (ms: number): Event => ({ type: "store outage", tab, ms });
const update = (how: Extract<Event, { type: "store trouble" }>["how"]): Event => ({
  type: "store trouble",
  tab,
  how,
  operation: "update",
});

export const KNOWN_HISTORIES: readonly KnownHistory[] = [
  {
    title: "two lookups share a query of a tracker that is closed",
    events: [lookup(BOB), lookup(BOB), restart("close")],
  },
  {
    title: "a tracker is closed while it loads the saved state",
    events: [restart("crash"), lookup(BOB), restart("close")],
  },
  {
    title: "a user leaves who is tracked while the saved state is being loaded",
    events: [restart("crash"), call("track", DAVE), move(DAVE)],
  },
  {
    title: "a watched list cannot be saved",
    events: [outage(5_000), change(BOB), watch(BOB), wait(40)],
  },
  {
    title: "another tab commits the step that a tab failed to commit, and the tab goes on to save lists",
    setup: { tabs: 2, sync: "apart", maxListsInMemory: 1 },
    events: [update("fails"), change(BOB), wait(40), lookup(BOB, CAROL)],
  },
  {
    title: "track() and a departure take effect together, and the answer is lost",
    events: [
      update("fails"),
      call("untrack", BOB),
      wait(40),
      call("track", BOB),
      move(BOB),
      wait(40),
      update("loses the answer"),
      wait(61_000),
    ],
  },
  {
    title: "a tab that cannot commit is overtaken, and syncs again",
    setup: { tabs: 2 },
    events: [outage(5_000), change(BOB), wait(40), takeOver(1), change(CAROL), wait(40), takeOver(0), wait(4_000)],
  },
  {
    title: "a deposed leader's last response arrives after the new leader's",
    setup: { tabs: 2 },
    events: [change(BOB), wait(5), takeOver(1, true), change(CAROL), wait(4), move(DAVE), wait(40), lookup(BOB, CAROL)],
  },
  {
    title: "a commit takes effect for a tab that is gone, and is announced to none",
    setup: { tabs: 3, announceAfter: 2 },
    events: [change(BOB), wait(11), restart("crash, still writing"), wait(9), change(CAROL), wait(40), lookup(BOB)],
  },
  {
    title: "a gap cannot be closed while a watcher's query is on its way",
    setup: { tabs: 2, sync: "apart" },
    events: [
      watch(BOB),
      change(BOB),
      wait(11),
      { type: "changes trouble", how: "fails" },
      { type: "freeze", tab },
      move(EVE),
      wait(40),
      { type: "wake", tab },
      change(CAROL),
      wait(40),
    ],
  },
  {
    title: "our own user is watched from before the first response, which does not say its since",
    setup: { starts: "empty", saysSince: false },
    events: [watch(ME), wait(11), change(ME), wait(15), change(ME)],
  },
  {
    title: "a lookup of more users than fit into its requests is cancelled",
    setup: { maxUsersPerQuery: 1, maxConcurrentQueries: 1 },
    events: [
      { type: "lookup", tab, users: [ME, BOB, CAROL], force: true },
      wait(1),
      { type: "cancel", which: 0 },
      lookup(CAROL),
    ],
  },
  {
    title: "a list is in memory for a commit that never happened, and another tab's commit has its number",
    setup: { tabs: 2 },
    events: [
      { type: "untrack", tab: 1, users: [BOB] },
      wait(100),
      { type: "store trouble", tab: 1, how: "fails", operation: "update" },
      { type: "track", tab: 1, users: [BOB] },
      { type: "lookup", tab: 1, users: [BOB], force: false },
      wait(100),
      { type: "freeze", tab: 1 },
      change(BOB),
      wait(100),
      lookup(BOB),
      wait(100),
      { type: "wake", tab: 1 },
      wait(4_000),
      { type: "lookup", tab: 1, users: [BOB], force: false },
    ],
  },
  {
    title: "an initial response that was held up moves the token back, and the tab that is ahead syncs no more",
    setup: { tabs: 2, watches: true },
    events: [
      move(ME),
      { type: "store trouble", tab: 1, how: "hangs", operation: "update" },
      wait(9),
      { type: "store outage", tab: 1, ms: 5 },
      change(BOB),
      wait(2),
      takeOver(1, true),
      change(BOB),
      wait(15),
      change(BOB),
      takeOver(0),
    ],
  },
  {
    title: "a tab invalidates a user whom another one has untracked, and tracks again while its query is on its way",
    setup: { tabs: 2, announceAfter: 40, watches: true },
    events: [
      { type: "untrack", tab: 1, users: [BOB] },
      wait(5),
      { type: "track", tab: 1, users: [BOB] },
      wait(1),
      call("invalidate", BOB),
      wait(40),
      lookup(BOB),
    ],
  },
  {
    title: "another tab moves the head under a gap that could not be closed, while the store fails",
    setup: { tabs: 2, announceAfter: 40, gaps: "distrust", watches: true },
    events: [
      restart("crash"),
      wait(1),
      change(BOB),
      wait(2),
      outage(5),
      change(BOB),
      wait(1),
      takeOver(0),
      change(CAROL),
      wait(2),
      outage(5),
      wait(1),
      change(BOB),
    ],
  },
  {
    title: "a tab tracks a user whom another one has untracked twice, and it knows of once",
    setup: { tabs: 2, announceAfter: 40 },
    events: [
      call("untrack", BOB),
      wait(15),
      call("track", BOB),
      wait(9),
      call("untrack", BOB),
      wait(30),
      { type: "track", tab: 1, users: [BOB] },
      wait(40),
    ],
  },
  {
    title: "a user is untracked who seems to be already, after a gap that cannot be closed and is rebased",
    setup: { tabs: 2, watches: false },
    events: [
      { type: "store outage", tab: 1, ms: 5 },
      change(BOB),
      wait(2),
      takeOver(0, true),
      change(BOB),
      wait(2),
      takeOver(1),
      change(BOB),
      wait(2),
      { type: "untrack", tab: 1, users: [EVE] },
      { type: "changes trouble", how: "fails" },
      change(BOB),
      wait(1),
      { type: "store outage", tab: 1, ms: 500 },
      { type: "track", tab: 1, users: [BOB] },
      wait(2),
      change(BOB),
      wait(1_000),
      { type: "freeze", tab: 1 },
    ],
  },
  {
    title: "two tabs begin apart while the store is down, and one of them goes on from before the other's gap",
    setup: { tabs: 3, storeOpensAfter: 31_000, watches: true },
    events: [
      { type: "freeze", tab },
      move(BOB),
      wait(61_000),
      wait(61_000),
      change(BOB),
      wait(1),
      change(BOB),
      wait(1_000),
    ],
  },
  {
    title: "a page that loads is frozen and wakes, and its first response does not say what it answered",
    setup: { saysSince: false },
    events: [
      lookup(BOB),
      wait(1_000),
      lookup(ME),
      change(BOB),
      wait(6),
      restart("crash, still writing"),
      wait(6),
      change(BOB),
      wait(6),
      lookup(BOB),
      { type: "pass time" },
      wait(3),
      move(BOB),
      move(BOB),
      { type: "freeze", tab },
      outage(5),
    ],
  },
];
