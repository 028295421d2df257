import { describeEvent } from "./describe-event.js";
import { ASKED, codeOf, COUNTED, decode, OFFERED, type Kind, type Renaming } from "./events.js";
import type { ExposedCore } from "./exposed-core.js";
import { ExchangedStrings, HeapPrint, Statics, type Print } from "./heap-print.js";
import { WITHOUT_END, type Budget } from "./scope.js";
import { copyOf, type Records } from "./stepped-store.js";
import { Tab } from "./tab.js";
import { exchange, nameOf, positionOf, Truth, USERS, type User } from "./truth.js";

/** What a history begins with. */
export interface Start {
  readonly log: readonly User[];
  readonly records: Records;
  /** Whether both tabs have loaded what is saved. */
  readonly loaded: boolean;
  /** What happens before anything is counted. */
  readonly happened: readonly number[];
}

/** What outlives a history: nothing of it depends on one. */
export interface Surroundings {
  readonly core: ExposedCore;
  readonly statics: Statics;
  readonly strings: ExchangedStrings;
}

export const surroundings = (core: ExposedCore): Surroundings => ({
  core,
  statics: new Statics(),
  strings: new ExchangedStrings(exchange),
});

export type TabPrints = readonly HeapPrint[];

const BUDGETS = ["changes", "lookups", "cancellations", "crashes", "failures", "losses"] as const;

/** Two tabs on one store, and a server; lets happen what it is told to, and looks on. */
export class SmallWorld {
  /** The first promise that was broken. */
  broken: string | undefined;
  /** What could be seen from outside since it was last taken. */
  readonly #seen: { readonly tab: number; readonly text: string; readonly users: readonly string[] }[] = [];
  readonly #around: Surroundings;
  #budget: Record<keyof Budget, number> = { ...WITHOUT_END };
  readonly #truth = new Truth();
  readonly #records: Records;
  readonly #tabs: (Tab | undefined)[];
  /** The newest position that was ever saved. */
  #saved = 0;

  constructor(around: Surroundings, { log, records, loaded, happened }: Start, budget: Budget) {
    this.#around = around;
    this.#truth.log.push(...log);
    this.#records = copyOf(records);
    this.#tabs = [this.#open(0), this.#open(1)];
    for (const tab of loaded ? this.#tabs : []) while (tab!.store.pending.length > 0) tab!.operate()();
    this.#check();
    for (const event of happened) this.apply(event);
    this.#seen.length = 0;
    this.#budget = { ...budget };
  }

  get records(): Records {
    return this.#records;
  }

  get log(): readonly User[] {
    return this.#truth.log;
  }

  /** What can happen now. */
  get enabled(): number[] {
    const events: number[] = [];
    const add = (kind: Kind, tab: number, which = 0) => {
      const counted = COUNTED[kind];
      if (counted === undefined || this.#budget[counted] > 0) events.push(codeOf(kind, tab, which));
    };
    USERS.forEach((_, which) => add("change", 0, which));
    this.#tabs.forEach((tab, i) => {
      if (tab === undefined) {
        add("restart", i);
        return;
      }
      this.#truth.ends(tab.loop).forEach((_, which, { length }) => {
        add("sync", i, which);
        if (which === length - 1) add("lose", i);
      });
      for (let which = 0; which < OFFERED; which++) add("look up", i, which);
      tab.callers.forEach((_, which) => add("cancel", i, which));
      tab.queries.forEach(({ users, seen }, which) => {
        add("answer as of arrival", i, which);
        if (users.some((user, at) => this.#truth.version(user) !== seen[at])) add("answer as of now", i, which);
        add("fail", i, which);
      });
      if (tab.changes.length > 0) {
        add("tell who changed", i);
        add("fail to tell who changed", i);
      }
      if (tab.store.pending.length > 0) {
        add("operate", i);
        add("fail to operate", i);
        if (tab.store.pending[0]!.name === "update") add("crash in an operation", i);
      }
      if (tab.timer !== undefined) add("wait", i);
      add("crash", i);
    });
    return events;
  }

  /** What an event would be, for people. */
  describe(event: number): string {
    return describeEvent(event, this.#truth, this.#tabs);
  }

  apply(event: number): void {
    const { kind, tab: at, which } = decode(event);
    const tab = this.#tabs[at]!;
    const counted = COUNTED[kind];
    if (counted !== undefined) this.#budget[counted]--;
    try {
      switch (kind) {
        case "change":
          this.#truth.log.push(USERS[which]!);
          break;
        case "sync":
          tab.sync(this.#truth.ends(tab.loop)[which]!, true);
          break;
        case "lose":
          tab.sync(this.#truth.now, false);
          break;
        case "look up":
          tab.lookup(ASKED[which]!);
          break;
        case "cancel":
          tab.cancel(which);
          break;
        case "answer as of arrival":
        case "answer as of now":
          tab.answer(which, kind === "answer as of now" ? "now" : "arrival");
          break;
        case "fail":
          tab.fail(which);
          break;
        case "tell who changed":
        case "fail to tell who changed":
          tab.answerChanges(kind === "fail to tell who changed");
          break;
        case "operate": {
          const answer = tab.operate();
          this.#checkRecords();
          answer();
          break;
        }
        case "fail to operate":
          tab.failOperation();
          break;
        case "crash in an operation":
          tab.operate();
          this.#tabs[at] = undefined;
          break;
        case "crash":
          this.#tabs[at] = undefined;
          break;
        case "restart":
          this.#tabs[at] = this.#open(at);
          break;
        case "wait":
          tab.clock.goOff(tab.timer!);
          break;
      }
    } catch (error) {
      this.#fail("P8", `something threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    this.#check();
  }

  /** The fingerprints of the tabs. An event of one does not touch what the other keeps. */
  get tabPrints(): TabPrints {
    return [0, 1].map((at) => this.#tabPrint(at));
  }

  /**
   * The fingerprint of all that decides what can come of it, the same for worlds that differ in names only; and the exchange of names by which it was made.
   * @param before the tabs' fingerprints before this last event, where they are known
   */
  print(before?: TabPrints, last?: number): Print & { readonly renaming: Renaming } {
    const tabs = [0, 1].map((at) => {
      const { kind, tab } = decode(last ?? 0);
      return before === undefined || (kind !== "change" && tab === at) ? this.#tabPrint(at) : before[at]!;
    });
    const around = this.#newPrint();
    around.add([
      this.#truth.log,
      [...this.#truth.cuts].sort((a, b) => a - b),
      BUDGETS.map((name) => this.#budget[name]),
      this.#saved,
    ]);
    const record = (kind: string, id: string) => this.#records.get(kind)?.get(id);
    around.add(["owner", "sync", "epoch"].map((id) => record("account", id)));
    around.add(["state", "list"].map((kind) => [...(this.#records.get(kind)?.keys() ?? [])])); // they are read in this order
    // Each in a walk of its own: what one refers to of another is never compared by identity.
    const [bob, carol] = USERS.map((user) => this.#printOf([record("state", user), record("list", user)]));
    const all = ([users, first, second]: readonly ["plain" | "exchanged", HeapPrint, HeapPrint]): Print & {
      readonly renaming: Renaming;
    } => {
      const print = this.#newPrint();
      const [one, other] = tabs.map((tab) => tab[users]);
      const exchanged = other!.high < one!.high || (other!.high === one!.high && other!.low < one!.low);
      for (const { high, low } of [
        around[users],
        first[users],
        second[users],
        ...(exchanged ? [other!, one!] : [one!, other!]),
      ])
        print.add([high, low]);
      return { ...print.plain, renaming: { tabs: exchanged, users: users === "exchanged" } };
    };
    const plain = all(["plain", bob!, carol!]);
    const exchanged = all(["exchanged", carol!, bob!]);
    return exchanged.high < plain.high || (exchanged.high === plain.high && exchanged.low < plain.low)
      ? exchanged
      : plain;
  }

  /** The token and, of each user by these names, what is saved. */
  savedBy({ users }: Renaming): string {
    const token = (this.#records.get("account")?.get("sync") as { token?: string } | undefined)?.token;
    const states = USERS.map(
      (user) => `${JSON.stringify(this.#records.get("state")?.get(user))} V${this.#savedVersion(user) ?? "-"}`,
    );
    return [token, this.#records.get("account")?.get("epoch"), ...(users ? states.reverse() : states)].join(", ");
  }

  /** What could be seen from outside since it was last taken, by these names. */
  takeSeen({ tabs, users }: Renaming): string[] {
    return this.#seen.splice(0).map(({ tab, text, users: about }) => {
      const named = about.map((user) => (users ? exchange(user) : user)).sort();
      return `${tabs ? 1 - tab : tab}: ${text} ${named.join(" ")}`;
    });
  }

  #tabPrint(at: number): HeapPrint {
    return this.#printOf(this.#tabs[at]?.state, this.#tabs[at]?.told);
  }

  #printOf(value: unknown, pair?: readonly number[]): HeapPrint {
    const print = this.#newPrint();
    if (pair !== undefined) print.addPair(pair[0]!, pair[1]!);
    print.add(value);
    return print;
  }

  #newPrint(): HeapPrint {
    return new HeapPrint(this.#around.statics, this.#around.strings);
  }

  #open(at: number): Tab {
    return new Tab(this.#around.core, this.#truth, this.#records, {
      note: (text, users = []) => this.#seen.push({ tab: at, text, users }),
      broken: (promise, text) => this.#fail(promise, `tab ${at}: ${text}`),
    });
  }

  #fail(promise: string, text: string): void {
    this.broken ??= `${promise}: ${text}`;
  }

  #check(): void {
    for (const tab of this.#tabs) tab?.check();
    this.#checkRecords();
    for (const error of this.#around.core.takeUnhandled())
      this.#fail("P8", `unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  /** P3 and P4: a saved list that is not outdated contains every change announced up to the newest token that was ever saved. */
  #checkRecords(): void {
    const account = this.#records.get("account");
    const { token } = (account?.get("sync") ?? {}) as { token?: string };
    if (token !== undefined) this.#saved = Math.max(this.#saved, positionOf(token));
    const epoch = (account?.get("epoch") ?? 0) as number;
    for (const user of USERS) {
      const state = this.#records.get("state")?.get(user) as { revision: number; listed?: number } | undefined;
      if (state?.listed === undefined || state.listed !== Math.max(state.revision, epoch)) continue;
      const version = this.#savedVersion(user) ?? -1;
      const announced = this.#truth.version(user, this.#saved);
      if (version < announced)
        this.#fail(
          "P4",
          `V${version} of ${nameOf(user)} is saved as up to date, and V${announced} was announced up to the saved token ${String(token)}`,
        );
    }
  }

  #savedVersion(user: User): number | undefined {
    const saved = this.#records.get("list")?.get(user) as
      { list: { deviceKeys: ReadonlyMap<string, unknown> } } | undefined;
    return saved === undefined
      ? undefined
      : Math.max(0, ...Array.from(saved.list.deviceKeys.keys(), (id) => Number(id.slice(1))));
  }
}
