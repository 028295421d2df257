import fc from "fast-check";
import type { UserId } from "../../src/model/ids.js";
import { BOB, CAROL, DAVE, EVE, ME, USERS } from "./server.js";

/** What stays the same throughout a history. */
export interface Setup {
  readonly tabs: number;
  /** Whether one tab syncs for all, or each for itself, which applications should not do. */
  readonly sync: "in one tab" | "apart";
  /** Whether it starts with an empty store, or after the first sync and `track()`. */
  readonly starts: "empty" | "settled";
  /** How long the ports take to do what they are asked, in ms, one after the other and over again. */
  readonly delays: readonly number[];
  /** How long after a tab is opened its store cannot be used, in ms: if not at once, memory stands in for it. */
  readonly storeOpensAfter: number;
  /** How long the announcement of a commit takes to reach another tab, in ms. */
  readonly announceAfter: number;
  /** The server repeats its token if nothing has happened that concerns device lists. */
  readonly repeatsTokens: boolean;
  /** The server ignores `to` of `/keys/changes`, as Synapse does. */
  readonly ignoresTo: boolean;
  /** Responses say what they answer from the first loop on. */
  readonly saysSince: boolean;
  readonly gaps: "ask" | "distrust";
  readonly maxUsersPerQuery: number;
  readonly maxConcurrentQueries: number;
  readonly maxListsInMemory: number;
  /** A subscriber of `deviceChanges$` looks up from inside the emission. */
  readonly asksInside: boolean;
  /** Each tab watches all users from the beginning. */
  readonly watches: boolean;
  /** With each call, the extension of its tab commits a note. */
  readonly takesNotes: boolean;
}

/** What happens. `tab` counts from 0. */
export type Event =
  | { readonly type: "change" | "move"; readonly user: UserId }
  | { readonly type: "pass time" }
  | { readonly type: "wait"; readonly ms: number }
  | { readonly type: "lookup"; readonly tab: number; readonly users: readonly UserId[]; readonly force: boolean }
  | {
      readonly type: "known" | "watch" | "track" | "untrack" | "invalidate";
      readonly tab: number;
      readonly users: readonly UserId[];
    }
  | { readonly type: "cancel"; readonly which: number }
  | { readonly type: "restart"; readonly tab: number; readonly after: "crash" | "crash, still writing" | "close" }
  | { readonly type: "freeze" | "wake"; readonly tab: number }
  | { readonly type: "take over"; readonly tab: number; readonly isLate: boolean }
  | {
      readonly type: "store trouble";
      readonly tab: number;
      readonly how: "fails" | "hangs" | "loses the answer";
      readonly operation: "update" | undefined;
    }
  | { readonly type: "store outage"; readonly tab: number; readonly ms: number }
  | {
      readonly type: "query trouble";
      readonly how: "fails" | "hangs" | "is slow" | "is garbled" | "cannot reach a server";
    }
  | { readonly type: "changes trouble"; readonly how: "fails" | "hangs" };

export type EventInTab = Extract<Event, { readonly tab: number }>;

export interface History {
  readonly setup: Setup;
  readonly events: readonly Event[];
}

/** One line for an event, such as `lookup tab=1 users=bob,eve force=true`. */
export function describeEvent({ type, ...rest }: Event): string {
  return [type, ...Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`)].join(" ");
}

const oneOf = fc.constantFrom;
const chance = (percent: number) => fc.nat({ max: 99 }).map((n) => n >= 100 - percent);
const others = oneOf(BOB, BOB, BOB, CAROL, DAVE, EVE);
const someUsers = fc.oneof(
  { weight: 3, arbitrary: others.map((user) => [user]) },
  { weight: 1, arbitrary: fc.uniqueArray(oneOf(...USERS), { minLength: 1, maxLength: USERS.length }) },
);

function arbitraryEvent(tabs: number): fc.Arbitrary<Event> {
  const tab = fc.nat({ max: tabs - 1 });
  const inTab = <T extends string>(...types: readonly T[]) => fc.record({ type: oneOf(...types), tab });
  const forUsers = <T extends string>(...types: readonly T[]) =>
    fc.record({ type: oneOf(...types), tab, users: someUsers });
  const is = <T extends string>(type: T) => fc.constant(type);
  return fc.oneof(
    { weight: 30, arbitrary: fc.record({ type: is("change"), user: fc.oneof(others, others, others, is(ME)) }) },
    { weight: 14, arbitrary: fc.record({ type: is("move"), user: fc.oneof(others, others, others, is(ME)) }) },
    { weight: 6, arbitrary: fc.record({ type: is("pass time") }) },
    { weight: 40, arbitrary: fc.record({ type: is("wait"), ms: oneOf(1, 2, 3, 4, 6, 9, 15, 40) }) },
    { weight: 3, arbitrary: fc.record({ type: is("wait"), ms: oneOf(1_000, 4_000, 11_000, 27_990, 61_000) }) },
    { weight: 36, arbitrary: fc.record({ type: is("lookup"), tab, users: someUsers, force: chance(15) }) },
    { weight: 12, arbitrary: forUsers("known", "watch") },
    { weight: 8, arbitrary: forUsers("track") },
    { weight: 5, arbitrary: forUsers("untrack", "invalidate") },
    { weight: 8, arbitrary: fc.record({ type: is("cancel"), which: fc.nat({ max: 3 }) }) },
    {
      weight: 10,
      arbitrary: fc.record({
        type: is("restart"),
        tab,
        after: oneOf("crash", "crash, still writing", "crash, still writing", "close"),
      }),
    },
    { weight: 8, arbitrary: inTab("freeze", "wake") },
    { weight: tabs === 1 ? 1 : 10, arbitrary: fc.record({ type: is("take over"), tab, isLate: fc.boolean() }) },
    {
      weight: 8,
      arbitrary: fc.record({
        type: is("store trouble"),
        tab,
        how: oneOf("fails", "hangs", "loses the answer"),
        operation: oneOf("update", "update", undefined),
      }),
    },
    { weight: 3, arbitrary: fc.record({ type: is("store outage"), tab, ms: oneOf(5, 50, 5_000) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        type: is("query trouble"),
        how: oneOf("fails", "hangs", "is slow", "is garbled", "cannot reach a server"),
      }),
    },
    { weight: 5, arbitrary: fc.record({ type: is("changes trouble"), how: oneOf("fails", "hangs") }) },
  );
}

/** Events that belong together: histories in which one rule of the storage protocol decides are too rare if everything is left to chance. */
function arbitraryRace(tabs: number): fc.Arbitrary<readonly Event[]> {
  const tab = fc.nat({ max: tabs - 1 });
  const wait = fc.record({ type: fc.constant("wait" as const), ms: oneOf(1, 2, 3, 4, 6, 9, 15) });
  const change = fc.record({ type: oneOf("change", "change", "move"), user: oneOf(BOB, BOB, CAROL) });
  const users = [BOB];
  return fc
    .tuple(fc.nat({ max: 8 }), tab, tab, wait, wait, wait, change, change, oneOf(5, 50, 500), fc.boolean())
    .map(([which, one, other, soon, later, then, happens, again, ms, isLate]) => {
      const lookup: Event = { type: "lookup", tab: one, users, force: false };
      const lookupElsewhere: Event = { ...lookup, tab: other };
      const forced: Event = { ...lookup, force: true };
      const invalidate: Event = { type: "invalidate", tab: one, users: [CAROL] };
      const outage: Event = isLate
        ? { type: "store outage", tab: one, ms }
        : { type: "store trouble", tab: one, how: "fails", operation: "update" };
      const takeOver: Event = { type: "take over", tab: other, isLate };
      const untrack: Event = { type: "untrack", tab: one, users };
      const track: Event = { type: "track", tab: one, users };
      const lookupEve: Event = { ...lookup, users: [EVE] };
      const eveChanges: Event = { type: "change", user: EVE };
      const serverFails: Event = { type: "query trouble", how: "cannot reach a server" };
      const crash: Event = { type: "restart", tab: 0, after: "crash, still writing" };
      const races: readonly (readonly Event[])[] = [
        // A change while its user is being looked up; another tab commits it.
        [lookup, soon, happens, later, lookup, then],
        [forced, happens, soon, invalidate, later, lookup, then],
        // A query on its way while its tab reads what it has missed.
        [
          { type: "query trouble", how: "is slow" },
          forced,
          { type: "freeze", tab: one },
          happens,
          { type: "wait", ms: 40 },
          { type: "wake", tab: one },
          later,
          lookup,
          then,
        ],
        // Two tabs are given overlapping responses.
        [happens, soon, takeOver, again, later, lookup, then],
        // A tab that cannot commit keeps a list of its own.
        [outage, happens, soon, lookup, later, takeOver, again, then],
        // A commit that is announced to none, and one that is.
        [happens, soon, crash, later, again, then, lookup],
        // A user changes or leaves whom a tab is tracking.
        [untrack, soon, track, happens, later],
        [
          untrack,
          soon,
          outage,
          track,
          lookup,
          later,
          happens,
          then,
          lookupElsewhere,
          { type: "wait", ms: 1_000 },
          lookup,
        ],
        // A user whose server failed is looked up, and changes, while they are queried in the background.
        [
          lookupEve,
          { type: "wait", ms: 1_000 },
          eveChanges,
          later,
          serverFails,
          lookupEve,
          { type: "wait", ms: 1_000 },
          ...(isLate ? [serverFails] : []),
          lookupEve,
          soon,
          ...(isLate ? [] : [eveChanges]),
          lookupEve,
          { ...lookupEve, force: isLate },
          then,
          lookupEve,
        ],
      ];
      return races[which] ?? [];
    });
}

/** Random histories of so many tabs. */
export function arbitraryHistory(tabs: number): fc.Arbitrary<History> {
  const setup = fc.record({
    tabs: fc.constant(tabs),
    sync: tabs === 1 ? fc.constant("in one tab" as const) : oneOf("in one tab", "in one tab", "in one tab", "apart"),
    starts: oneOf("settled", "settled", "settled", "empty"),
    delays: fc.array(oneOf(0, 0, 1, 1, 2, 3, 5, 8, 20), { minLength: 1, maxLength: 12 }),
    storeOpensAfter: oneOf(0, 0, 0, 0, 0, 0, 0, 5, 31_000),
    announceAfter: oneOf(0, 2, 10, 40),
    repeatsTokens: chance(30),
    ignoresTo: chance(30),
    saysSince: tabs === 1 ? chance(75) : fc.constant(true),
    gaps: oneOf("ask", "ask", "ask", "distrust"),
    maxUsersPerQuery: oneOf(250, 2, 1),
    maxConcurrentQueries: oneOf(3, 2, 1),
    maxListsInMemory: oneOf(10_000, 1),
    asksInside: chance(25),
    watches: chance(25),
    takesNotes: chance(30),
  });
  const events = fc.oneof(
    { weight: 8, arbitrary: arbitraryEvent(tabs).map((event) => [event]) },
    { weight: 1, arbitrary: arbitraryRace(tabs) },
  );
  return fc.record({
    setup,
    events: fc.array(events, { minLength: 4, maxLength: 30, size: "max" }).map((all) => all.flat()),
  });
}
