import { defer, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { RecordKey } from "../../src/store/device-store.js";
import { logKey, readSync, SYNC } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved } from "../support/saved.js";
import { BOB, CAROL } from "../support/users.js";
import { accountIn, answering, unreadable, type Account, type Tab } from "./account-in.js";

/** An account whose tab stands on s3; Bob's list, OLD, is saved and current. */
function accountWithList(m: Marbles) {
  const account = accountIn(m);
  const tab = account.open();
  account.replace(BOB, "OLD");
  tab.give(answering(null, "s1"), answering("s1", "s2", { changed: [BOB] }), answering("s2", "s3"));
  tab.lookup([BOB]).subscribe();
  const head = () => readSync(saved(account.records, SYNC))?.head ?? Number.NaN;
  const seen: string[] = [];
  const collect = (name: string, lines$: Observable<readonly string[]>) => () =>
    lines$.subscribe((lines) => seen.push(`${name}: ${lines.join()}`));
  const lookups = {
    tab: collect("tab", tab.lookup([BOB])),
    reloaded: collect(
      "reloaded",
      defer(() => account.open().lookup([BOB])),
    ),
    known: collect(
      "known after a reload",
      defer(() => account.open().known([BOB])),
    ),
  };
  return { ...account, tab, head, seen, lookups };
}

const damages: readonly (readonly [string, RecordKey, unknown])[] = [
  ["a head that is no record", SYNC, "?"],
  ["a head without its number", SYNC, { token: "s3" }],
  ["no head", SYNC, undefined],
  ["a commit that is no record", logKey(2), "?"],
  ["a commit that is gone", logKey(1), undefined],
  [
    "a snapshot that should be there",
    SYNC,
    { head: 3, position: 4, token: "s3", snapshot: { position: 4, head: 3, chunks: 1, index: 0, oldest: 1 } },
  ],
];

const changes: readonly (readonly [string, (tab: Tab) => void])[] = [
  ["a change", ({ give }) => give(answering("s3", "s4", { changed: [BOB] }))],
  ["a step that may hide changes", ({ give }) => give(unreadable("s3", "s4"))],
];

describe.each(damages)("a store that is damaged while it is in use, with %s,", (_, key, record) => {
  const damage = ({ records }: Pick<Account, "records">) => {
    if (record !== undefined) put(records, [key, record]);
    else records.update([], () => ({ puts: [], deletes: [key], result: undefined })).subscribe();
  };

  describe.each(changes)("before or after %s", (__, change) => {
    it.each(["before", "after"])("lets no list from before it be current: damaged %s it", (when) => {
      marbles((m) => {
        const account = accountWithList(m);
        const { tab, replace, seen, lookups } = account;
        if (when === "before") damage(account);
        replace(BOB, "NEW");
        change(tab);
        if (when === "after") damage(account);
        m.acts("-a-b-c-d-e-f", {
          a: lookups.tab,
          b: lookups.tab,
          c: lookups.known,
          d: lookups.reloaded,
          e: lookups.tab,
          f: lookups.known,
        });
        m.afterwards(() => {
          expect(seen.filter((line) => line.includes("OLD") && line.includes("current"))).toEqual([]);
          expect(seen.filter((line) => line.startsWith("tab: bob NEW"))).toHaveLength(3);
          expect(seen).toContainEqual(expect.stringMatching(/^reloaded: bob NEW/u));
        });
      })();
    });
  });

  it(
    "goes on from a head beyond all that it ever was",
    marbles((m) => {
      const account = accountWithList(m);
      const { tab, head, open } = account;
      const before = head();
      damage(account);
      open().lookup([BOB]).subscribe(); // mends it
      tab.give(answering("s3", "s4", { changed: [CAROL] }), answering("s4", "s5"));
      m.afterwards(() => {
        expect(before).toBe(3);
        expect(head()).toBeGreaterThan(before);
        expect(readSync(saved(account.records, SYNC))?.token).toBe("s5");
      });
    }),
  );

  it(
    "is reported once, with what to do",
    marbles((m) => {
      const account = accountWithList(m);
      damage(account);
      const { problems, lookup } = account.open();
      lookup([BOB]).subscribe();
      m.afterwards(() => {
        expect(problems.map(({ type }) => type)).toEqual(["records-damaged"]);
        expect(problems[0]?.message).toContain("track()");
      });
    }),
  );
});
