import fc from "fast-check";
import type { UserId } from "../../../src/model/ids.js";
import { BOB, CAROL, DAVE, ME, names, type Setup } from "../../properties/commands.js";

/** What is done to the server and in the tabs, one after the other; what comes of it, and when, is the scheduler's affair. */
export type Order =
  | { readonly type: "change" | "join" | "leave"; readonly user: UserId }
  /** The server answers the tab's sync loop, or the one that all tabs share. */
  | { readonly type: "sync"; readonly tab: number; readonly forAll: boolean }
  | {
      readonly type: "lookup";
      readonly tab: number;
      readonly users: readonly UserId[];
      readonly forceDownload: boolean;
    }
  | { readonly type: "watch"; readonly tab: number; readonly users: readonly UserId[] }
  | { readonly type: "cancel"; readonly which: number }
  /** The server answers the tab's sync loop, and the response never arrives. */
  | { readonly type: "lose"; readonly tab: number }
  /** The next answer of `/keys/query` is an error, or the next verification fails. */
  | { readonly type: "fail" }
  | { readonly type: "fail verification" }
  /** The next answer of `/keys/query` gives devices another key, or devices that nobody should accept. */
  | { readonly type: "deceive"; readonly how: "lists, with another key" | "lists, among hostile ones" }
  | { readonly type: "restart"; readonly tab: number };

export type OrdersSetup = Omit<Setup, "tabs"> & { readonly tabs: number };

export function describeOrder(order: Order): string {
  const tab = "tab" in order ? `tab ${order.tab}: ` : "";
  if ("users" in order)
    return `${tab}${order.type} ${names(order.users)}${"forceDownload" in order && order.forceDownload ? " forceDownload" : ""}`;
  if ("user" in order) return `${order.type} ${names([order.user])}`;
  if (order.type === "deceive") return `deceive: ${order.how}`;
  return `${tab}${order.type}${order.type === "sync" && order.forAll ? " for all tabs" : ""}${order.type === "cancel" ? ` ${order.which}` : ""}`;
}

const user = fc.oneof(
  { weight: 5, arbitrary: fc.constant(BOB) },
  { weight: 2, arbitrary: fc.constant(CAROL) },
  { weight: 1, arbitrary: fc.constantFrom(DAVE, ME) },
);
const users = fc.oneof(
  { weight: 3, arbitrary: user.map((one) => [one]) },
  { weight: 2, arbitrary: fc.uniqueArray(user, { minLength: 2, maxLength: 3 }) },
);

/** What belongs together comes together, and anything of it may be left out by shrinking. */
function bursts(tabs: number): fc.Arbitrary<readonly Order[]> {
  const tab = fc.nat({ max: tabs - 1 });
  const one = <T extends Order>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<readonly Order[]> =>
    arbitrary.map((order) => [order]);
  const lookup = fc.record({
    type: fc.constant("lookup" as const),
    tab,
    users,
    forceDownload: fc.nat({ max: 5 }).map((n) => n === 0),
  });
  const change = fc.record({
    type: fc.oneof(
      { weight: 8, arbitrary: fc.constant("change" as const) },
      { weight: 2, arbitrary: fc.constantFrom("join" as const, "leave" as const) },
    ),
    user,
  });
  const sync = fc.record({ type: fc.constant("sync" as const), tab, forAll: fc.nat({ max: 2 }).map((n) => n > 0) });
  const announced = fc.tuple(change, sync);
  // Two tabs with sync loops of their own: one is ahead, the other has asked for the user at a step that it commits behind the first one's.
  const behind = fc
    .tuple(user, tab, fc.nat({ max: Math.max(0, tabs - 2) }))
    .map(([who, late, other]): readonly Order[] => {
      const told = (index: number): readonly Order[] => [
        { type: "change", user: who },
        { type: "sync", tab: index, forAll: false },
      ];
      return [
        ...told(late),
        { type: "lookup", tab: late, users: [who], forceDownload: false },
        ...told(other >= late ? other + 1 : other),
      ];
    });
  // A tab misses a response, and is asking when it finds that out.
  const gap = fc
    .tuple(user, tab, users, users)
    .map(([who, index, ...asked]): readonly Order[] => [
      { type: "change", user: who },
      { type: "lose", tab: index },
      { type: "change", user: who },
      { type: "sync", tab: index, forAll: false },
      ...asked.map((one): Order => ({ type: "lookup", tab: index, users: one, forceDownload: true })),
    ]);
  return fc.oneof(
    { weight: 10, arbitrary: announced },
    { weight: 8, arbitrary: one(lookup) },
    { weight: 6, arbitrary: fc.tuple(lookup, change, sync, lookup) },
    { weight: 3, arbitrary: one(change) },
    { weight: 2, arbitrary: one(sync) },
    { weight: 2, arbitrary: one(fc.record({ type: fc.constant("cancel" as const), which: fc.nat({ max: 5 }) })) },
    { weight: 1, arbitrary: one(fc.record({ type: fc.constant("watch" as const), tab, users })) },
    {
      weight: 2,
      arbitrary: fc.tuple(change, fc.record({ type: fc.constant("lose" as const), tab }), lookup, change, sync),
    },
    { weight: 4, arbitrary: gap },
    { weight: tabs > 1 ? 4 : 0, arbitrary: behind },
    { weight: 1, arbitrary: one(fc.constantFrom({ type: "fail" as const }, { type: "fail verification" as const })) },
    {
      weight: 1,
      arbitrary: one(
        fc.record({
          type: fc.constant("deceive" as const),
          how: fc.constantFrom("lists, with another key" as const, "lists, among hostile ones" as const),
        }),
      ),
    },
    { weight: 1, arbitrary: one(fc.record({ type: fc.constant("restart" as const), tab })) },
  );
}

export function arbitraryScript(tabs: number): fc.Arbitrary<[setup: OrdersSetup, orders: readonly Order[]]> {
  const setup = fc.record({
    tabs: fc.constant(tabs),
    storeTakes: fc.constant(1), // none of its answers comes at once
    verifierTakes: fc.constant([1]), // nor does any of the verifier's
    signed: fc.constantFrom("anew" as const, "anew" as const, "anew" as const, "once" as const, "no" as const),
    maxUsersPerQuery: fc.constantFrom(1, 2, 250),
    maxConcurrentQueries: fc.constantFrom(1, 3),
    maxListsInMemory: fc.constantFrom(10_000, 1),
    tellsChanges: fc.constant("when told" as const),
    settled: fc.nat({ max: 3 }).map((n) => n > 0),
    asksInsideChanges: fc.nat({ max: 3 }).map((n) => n === 3),
  });
  return fc.tuple(
    setup,
    fc.array(bursts(tabs), { minLength: 2, maxLength: 10, size: "max" }).map((all) => all.flat()),
  );
}
