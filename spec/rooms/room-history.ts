import fc from "fast-check";
import type { UserId } from "../../src/model/ids.js";
import type { OwnAction } from "../../src/rooms/encrypted-rooms.js";
import type { HistoryVisibility } from "../../src/rooms/wire.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";

/** Encrypted from the start. */
export const ROOM = "!room:example.org";
/** Not encrypted at first. */
const OTHER = "!other:example.org";
export const ROOMS = [ROOM, OTHER] as const;
export const MEMBERS: readonly UserId[] = [ALICE, BOB, CAROL, DAVE];

/** What stays the same throughout a history. */
export interface Setup {
  readonly tabs: number;
  /** Whether sync leaves members out, and in limited timelines, too. */
  readonly isLazy: boolean;
  readonly leavesOut: boolean;
  /** `lazyLoadMembers: true`, although sync leaves nobody out. */
  readonly expectsLazy: boolean;
  readonly stateAfter: "state_after" | "org.matrix.msc4222.state_after" | undefined;
  /**
   * Whether the server announces who comes to share a room with us, and who shares none any more. If it does not, no
   * client can know of users who came and went unseen: then there are no gaps, limited timelines leave nobody out, and
   * there is one tab, because what another one learns from `/members` may come after the step in which they left.
   */
  readonly announcesSharing: boolean;
  /** Whether `/members` is answered as of now, whatever token it is asked for. */
  readonly ignoresAt: boolean;
  /** Whether `/members` is answered as of the arrival of the request, or as of the departure of the answer. */
  readonly looksAt: "arrival" | "departure";
  /** How long the homeserver takes, in ms, one request after the other and over again. */
  readonly delays: readonly number[];
  readonly storeTakes: number;
  /** How long the announcement of a commit takes to reach another tab, in ms. */
  readonly announceAfter: number;
}

/** What somebody does in a room: `bounce` is leave and return, `reinvite` is leave and be invited again. */
export type Move = "join" | "leave" | "kick" | "ban" | "knock" | "invite" | "bounce" | "reinvite";

/** What happens. `tab` counts from 0. */
export type Event =
  | { readonly type: "move"; readonly room: string; readonly user: UserId; readonly how: Move }
  | { readonly type: "send"; readonly room: string; readonly user: UserId }
  | { readonly type: "visibility"; readonly room: string; readonly to: HistoryVisibility }
  /** `off`: somebody tries to switch it off. */
  | { readonly type: "encrypt"; readonly room: string; readonly off: boolean }
  | { readonly type: "log in" | "log out"; readonly user: UserId }
  /** The tab whose turn it is polls. The timelines of some rooms have only so many events. */
  | { readonly type: "sync"; readonly limited: readonly string[]; readonly timeline: number }
  /** The next poll begins later than the last one ended, or is an initial one. */
  | { readonly type: "skip" | "begin anew" }
  | { readonly type: "wait"; readonly ms: number }
  | { readonly type: "ask" | "watch"; readonly tab: number; readonly room: string }
  | {
      readonly type: "act";
      readonly tab: number;
      readonly room: string;
      readonly user: UserId;
      readonly action: OwnAction;
    }
  | { readonly type: "restart"; readonly tab: number }
  | { readonly type: "take over"; readonly tab: number; readonly isLate: boolean }
  | { readonly type: "members trouble"; readonly how: "fails" | "is slow" }
  | { readonly type: "query trouble" | "changes trouble" }
  | { readonly type: "store trouble"; readonly tab: number; readonly how: "fails" | "loses the answer" };

export interface History {
  readonly setup: Setup;
  readonly events: readonly Event[];
}

/** One line for an event, such as `ask tab=1 room=!room:example.org`. */
export function describeEvent({ type, ...rest }: Event): string {
  return [type, ...Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`)].join(" ");
}

const oneOf = fc.constantFrom;
const is = <T extends string>(type: T) => fc.constant(type);
const chance = (percent: number) => fc.nat({ max: 99 }).map((n) => n >= 100 - percent);
const room = oneOf(ROOM, ROOM, ROOM, OTHER);
const other = oneOf(BOB, BOB, CAROL, DAVE);

function arbitraryEvent(tabs: number): fc.Arbitrary<Event> {
  const tab = fc.nat({ max: tabs - 1 });
  const how = oneOf<Move[]>("join", "join", "join", "leave", "leave", "kick", "ban", "knock", "invite", "invite");
  const sync = fc.record({
    type: is("sync"),
    limited: oneOf<string[][]>([], [], [], [ROOM], [ROOM, OTHER]),
    timeline: oneOf(0, 1, 2, 5),
  });
  const visibility = oneOf<HistoryVisibility[]>("joined", "joined", "invited", "shared", "world_readable");
  return fc.oneof(
    { weight: 24, arbitrary: fc.record({ type: is("move"), room, user: other, how }) },
    {
      weight: 6,
      arbitrary: fc.record({ type: is("move"), room, user: other, how: oneOf<Move[]>("bounce", "reinvite") }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        type: is("move"),
        room,
        user: fc.constant(ALICE),
        how: oneOf<Move[]>("join", "join", "join", "leave", "bounce", "kick", "reinvite"),
      }),
    },
    { weight: 4, arbitrary: fc.record({ type: is("send"), room, user: other }) },
    { weight: 5, arbitrary: fc.record({ type: is("visibility"), room, to: visibility }) },
    { weight: 3, arbitrary: fc.record({ type: is("encrypt"), room, off: chance(30) }) },
    { weight: 8, arbitrary: fc.record({ type: oneOf("log in", "log out"), user: other }) },
    { weight: 34, arbitrary: sync },
    { weight: 5, arbitrary: fc.record({ type: oneOf("skip", "skip", "begin anew") }) },
    { weight: 24, arbitrary: fc.record({ type: is("wait"), ms: oneOf(1, 2, 3, 5, 9, 20, 50) }) },
    { weight: 2, arbitrary: fc.record({ type: is("wait"), ms: oneOf(2_500, 30_000, 61_000, 400_000) }) },
    { weight: 30, arbitrary: fc.record({ type: is("ask"), tab, room }) },
    { weight: 4, arbitrary: fc.record({ type: is("watch"), tab, room }) },
    {
      weight: 9,
      arbitrary: fc.record({
        type: is("act"),
        tab,
        room,
        user: other,
        action: oneOf<OwnAction[]>("invite", "invite", "leave", "leave", "ban"),
      }),
    },
    { weight: 6, arbitrary: fc.record({ type: is("restart"), tab }) },
    { weight: tabs === 1 ? 1 : 8, arbitrary: fc.record({ type: is("take over"), tab, isLate: fc.boolean() }) },
    { weight: 5, arbitrary: fc.record({ type: is("members trouble"), how: oneOf("fails", "fails", "is slow") }) },
    { weight: 4, arbitrary: fc.record({ type: oneOf("query trouble", "changes trouble", "changes trouble") }) },
    { weight: 3, arbitrary: fc.record({ type: is("store trouble"), tab, how: oneOf("fails", "loses the answer") }) },
  );
}

/** Events that belong together: histories in which one rule decides are too rare if everything is left to chance. */
function arbitraryRace(tabs: number): fc.Arbitrary<readonly Event[]> {
  const tab = fc.nat({ max: tabs - 1 });
  const how = oneOf<Move[]>("bounce", "reinvite", "leave", "join");
  return fc
    .tuple(fc.nat({ max: 4 }), tab, tab, room, other, how, oneOf(0, 1, 3, 9), fc.boolean())
    .map(([which, one, another, roomId, user, how, ms, isLate]) => {
      const ask: Event = { type: "ask", tab: one, room: roomId };
      const wait: Event = { type: "wait", ms };
      const sync: Event = { type: "sync", limited: [], timeline: 0 };
      const happens: Event = { type: "move", room: roomId, user, how };
      const kick: Event = { type: "act", tab: another, room: roomId, user, action: "leave" };
      const races: readonly (readonly Event[])[] = [
        // Somebody who has the session leaves and comes back, unseen.
        [ask, wait, happens, { type: "skip" }, sync, wait, ask],
        // The account begins anew, and cannot learn what it has missed.
        [ask, happens, { type: "changes trouble" }, { type: "begin anew" }, sync, wait, ask],
        // What we do crosses a response, or the commit of another tab.
        [happens, sync, ...(isLate ? [wait] : []), kick, { ...happens, how: "join" }, wait, ask, sync, wait, ask],
        // A room of which nothing has been read is encrypted.
        [
          { type: "visibility", room: OTHER, to: "joined" },
          { ...happens, room: OTHER, how: "invite" },
          ...(isLate ? [sync, wait] : []),
          { ...ask, room: OTHER },
          { type: "encrypt", room: OTHER, off: false },
          sync,
          wait,
          { ...ask, room: OTHER },
        ],
        // We are away.
        [
          ask,
          { ...happens, user: ALICE, how: "leave" },
          happens,
          sync,
          wait,
          { ...happens, user: ALICE, how: "join" },
          sync,
        ],
      ];
      return races[which] ?? [];
    });
}

/** Random histories of so many tabs. */
export function arbitraryHistory(tabs: number): fc.Arbitrary<History> {
  const setup = fc.record({
    tabs: fc.constant(tabs),
    isLazy: chance(70),
    leavesOut: fc.boolean(),
    expectsLazy: fc.boolean(),
    stateAfter: oneOf(undefined, undefined, "state_after", "org.matrix.msc4222.state_after"),
    announcesSharing: tabs === 1 ? chance(75) : fc.constant(true),
    ignoresAt: chance(30),
    looksAt: oneOf("arrival", "departure"),
    delays: fc.array(oneOf(0, 0, 1, 1, 2, 3, 5, 8, 20), { minLength: 1, maxLength: 8 }),
    storeTakes: oneOf(0, 0, 1, 3),
    announceAfter: oneOf(0, 2, 10),
  });
  const events = fc.oneof(
    { weight: 12, arbitrary: arbitraryEvent(tabs).map((event) => [event]) },
    { weight: 1, arbitrary: arbitraryRace(tabs) },
  );
  return fc.record({
    setup,
    events: fc.array(events, { minLength: 4, maxLength: 36, size: "max" }).map((all) => all.flat()),
  });
}
