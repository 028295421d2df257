import fc from "fast-check";
import { BOB, CAROL, DAVE, ME, SERVERS, type Command, type Setup } from "./commands.js";

interface Tab {
  readonly tab: 0 | 1;
}
type Shape = Extract<Command, { type: "sync" }>["shape"];

const user = fc.oneof(
  { weight: 5, arbitrary: fc.constant(BOB) },
  { weight: 3, arbitrary: fc.constant(CAROL) },
  { weight: 1, arbitrary: fc.constantFrom(DAVE, ME) },
);
const users = fc.oneof(
  { weight: 6, arbitrary: user.map((one) => [one]) },
  { weight: 4, arbitrary: fc.uniqueArray(user, { minLength: 2, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom<string[]>([], [BOB, "nobody", "@no-server"], [CAROL, BOB, CAROL]) },
);
const which = fc.nat({ max: 5 });

const shape = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<Shape[]>("plain", "plain", "without since") },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Shape[]>(
      "with the token it answers",
      "with the token it answers, without since",
      "naming users twice",
      "with IDs that are none",
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Shape[]>(
      "that is no object",
      "without a token",
      "whose lists are no object",
      "whose changed is no array",
      "with entries that are no strings",
      "whose since is no token",
    ),
  },
);
const outcome = fc.oneof(
  { weight: 12, arbitrary: fc.constant("lists" as const) },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      "lists, twice" as const,
      "lists, among hostile ones" as const,
      "lists, with another key" as const,
      "lists, with another key" as const,
      "lists, and failures" as const,
      "null sections" as const,
      "an error" as const,
      "nothing" as const,
      "no object" as const,
      "device_keys that are no object" as const,
      "failures that are no object" as const,
      "users that are no objects" as const,
    ),
  },
);

/** What happens in one of the tabs: one command, or a few that belong together, between which anything may be left out by shrinking. */
function bursts(tabs: Setup["tabs"]): fc.Arbitrary<readonly Command[]> {
  const tab: fc.Arbitrary<0 | 1> = tabs === 1 ? fc.constant(0) : fc.constantFrom(0, 1);
  const one = <T extends Command>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<readonly Command[]> =>
    arbitrary.map((command) => [command]);
  const inTab = <T extends object>(rest: fc.Arbitrary<T>): fc.Arbitrary<T & Tab> =>
    fc.tuple(rest, tab).map(([command, index]) => ({ ...command, tab: index }));
  const lookup = inTab(
    fc.record({
      type: fc.constant("lookup" as const),
      users,
      forceDownload: fc.nat({ max: 4 }).map((n) => n === 0),
      timeout: fc.oneof(
        { weight: 5, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom(0, 5_000, 120_000) },
      ),
      then: fc.oneof(
        { weight: 8, arbitrary: fc.constant("nothing" as const) },
        {
          weight: 3,
          arbitrary: fc.constantFrom(
            "asks again" as const,
            "is given the next step" as const,
            "sees a change and is given it" as const,
          ),
        },
      ),
    }),
  );
  const change = fc.record({
    type: fc.oneof(
      { weight: 5, arbitrary: fc.constant("change" as const) },
      { weight: 2, arbitrary: fc.constantFrom("join" as const, "leave" as const) },
    ),
    user,
  });
  const sync = inTab(
    fc.record({ type: fc.constant("sync" as const), shape, toAll: tabs === 1 ? fc.constant(false) : fc.boolean() }),
  );
  const deliver = inTab(fc.constant({ type: "deliver" as const }));
  const answer = fc.record({
    type: fc.constant("answer" as const),
    which,
    looksAt: fc.constantFrom("arrival" as const, "departure" as const),
    outcome,
  });
  const answerChanges = fc.record({
    type: fc.constant("answer changes" as const),
    which,
    outcome: fc.oneof(
      { weight: 2, arbitrary: fc.constant("the truth" as const) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          "the truth, twice" as const,
          "the truth, among IDs that are none" as const,
          "an error" as const,
          "nothing" as const,
          "null" as const,
          "lists that are no arrays" as const,
        ),
      },
    ),
  });
  const wait = fc.record({
    type: fc.constant("wait" as const),
    ms: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(1, 2, 3, 4, 6, 9) },
      { weight: 1, arbitrary: fc.constantFrom(1_000, 11_000, 31_000, 61_000) },
    ),
  });
  const trouble = inTab(
    fc.record({
      type: fc.constant("store trouble" as const),
      trouble: fc.constantFrom("fails" as const, "hangs" as const, "hangs, though done" as const),
      operation: fc.constantFrom("read" as const, "readKinds" as const, "update" as const, undefined),
    }),
  );
  const verifierTrouble = inTab(
    fc.record({
      type: fc.constant("verifier trouble" as const),
      trouble: fc.constantFrom("fails" as const, "hangs" as const),
    }),
  );
  // A change that is announced at once, in the tab or in both.
  const announced = fc
    .tuple(change, sync, deliver)
    .map(([changed, synced, delivered]): readonly Command[] => [changed, synced, { ...delivered, tab: synced.tab }]);
  const answered = fc.tuple(lookup, answer).map(([looked, answers]): readonly Command[] => [looked, answers]);
  const restarted = inTab(fc.constant({ type: "restart" as const }));
  // A change that comes to any tab while a query is on its way, and one that comes while the saved state is being loaded.
  const raced = fc
    .tuple(lookup, announced, answer)
    .map(([looked, changed, answers]): readonly Command[] => [looked, ...changed, { ...answers, outcome: "lists" }]);
  const reloaded = fc
    .tuple(restarted, announced, lookup)
    .map(([restart, changed, looked]): readonly Command[] => [
      restart,
      ...changed.map((command) => ("tab" in command ? { ...command, tab: restart.tab } : command)),
      { ...looked, tab: restart.tab },
    ]);

  return fc.oneof(
    { weight: 30, arbitrary: announced },
    { weight: 30, arbitrary: one(lookup) },
    { weight: 18, arbitrary: answered },
    { weight: 36, arbitrary: one(answer) },
    { weight: 15, arbitrary: raced },
    { weight: 4, arbitrary: reloaded },
    { weight: 12, arbitrary: one(answerChanges) },
    { weight: 24, arbitrary: one(wait) },
    { weight: 9, arbitrary: one(change) },
    { weight: 12, arbitrary: one(sync) },
    { weight: 15, arbitrary: one(deliver) },
    { weight: 12, arbitrary: one(fc.record({ type: fc.constant("cancel" as const), which })) },
    {
      weight: 6,
      arbitrary: one(
        fc.record({
          type: fc.constant("server answers" as const),
          when: fc.constantFrom("at once" as const, "when told" as const),
        }),
      ),
    },
    {
      weight: 3,
      arbitrary: one(
        fc.record({ type: fc.constant("outage" as const), server: fc.constantFrom(...SERVERS), down: fc.boolean() }),
      ),
    },
    {
      weight: 9,
      arbitrary: one(
        inTab(fc.record({ type: fc.constantFrom("known" as const, "watch" as const, "track" as const), users })),
      ),
    },
    { weight: 9, arbitrary: one(restarted) },
    { weight: 6, arbitrary: one(trouble) },
    { weight: 4, arbitrary: one(verifierTrouble) },
    { weight: 4, arbitrary: one(inTab(fc.record({ type: fc.constant("find" as const), user }))) },
    { weight: 3, arbitrary: one(inTab(fc.constantFrom({ type: "lose" as const }, { type: "initial sync" as const }))) },
    {
      weight: 3,
      arbitrary: one(inTab(fc.record({ type: fc.constant("rewind" as const), by: fc.integer({ min: 1, max: 4 }) }))),
    },
    { weight: 3, arbitrary: one(inTab(fc.record({ type: fc.constant("deliver again" as const), which }))) },
    {
      weight: 3,
      arbitrary: one(
        inTab(
          fc.constantFrom(
            { type: "connect" as const },
            { type: "disconnect" as const },
            { type: "end sync" as const, how: "complete" as const },
            { type: "end sync" as const, how: "error" as const },
          ),
        ),
      ),
    },
    { weight: 1, arbitrary: one(inTab(fc.constant({ type: "clear" as const }))) },
  );
}

export function arbitraryHistory(
  tabs: Setup["tabs"],
  maxLength = 30,
): fc.Arbitrary<[setup: Setup, commands: readonly Command[]]> {
  const setup = fc.record({
    tabs: fc.constant(tabs),
    storeTakes: fc.constantFrom(0, 3),
    verifierTakes: fc.constantFrom([0], [3], [6, 1], [0, 4]),
    signed: fc.constantFrom("anew" as const, "anew" as const, "once" as const, "no" as const),
    maxUsersPerQuery: fc.constantFrom(1, 2, 250),
    maxConcurrentQueries: fc.constantFrom(1, 2, 3),
    maxListsInMemory: fc.constantFrom(10_000, 1),
    tellsChanges: fc.constantFrom("at once" as const, "when told" as const),
    settled: fc.nat({ max: 3 }).map((n) => n > 0),
    asksInsideChanges: fc.nat({ max: 3 }).map((n) => n === 3),
  });
  return fc.tuple(
    setup,
    fc.array(bursts(tabs), { minLength: 4, maxLength, size: "max" }).map((all) => all.flat()),
  );
}
