import type fc from "fast-check";
import type { UserId } from "../../../src/model/ids.js";
import type { RecordKey } from "../../../src/store/device-store.js";
import { BOB, CAROL, DAVE, ME, names, USERS } from "../../properties/commands.js";
import { History } from "../../properties/history.js";
import { positionOf, Server, type Response } from "../../properties/model.js";
import { SavedKeys } from "../../properties/saved-keys.js";
import { Page, type Caller, type Surroundings } from "../../properties/page.js";
import type { ChangesQuery, Query } from "../../properties/told-keys-api.js";
import { VirtualClock } from "../../properties/virtual-clock.js";
import { WatchedRecords } from "../../properties/watched-records.js";
import type { Outcome } from "../../properties/commands.js";
import { noOvertakings } from "./overtakings.js";
import { Pending } from "./pending.js";
import { SavedPromises, type SentQuery } from "./saved-promises.js";
import { ScheduledStore, type Operation } from "./scheduled-store.js";
import { ScheduledVerifier, type Verification } from "./scheduled-verifier.js";
import { describeOrder, type Order, type OrdersSetup } from "./script.js";

/** A page load in its place, and what is under way there. */
interface Tab {
  readonly name: string;
  readonly page: Page;
  readonly store: ScheduledStore;
  readonly verifier: ScheduledVerifier;
  readonly sent: Map<Query, SentQuery & { readonly learned: ReadonlyMap<UserId, number> }>;
  readonly asked: Set<ChangesQuery>;
  /** Where its sync loop stands, and what is on its way from there. */
  position: number | null;
  readonly onTheWay: Response[];
}

/** Longer than any wait that a watcher begins with, in ms. */
const LONG = 35 * 60_000;
const STEP = 20_000;

/**
 * Trackers on one store, none of whose ports answers by itself or in the order in which it was asked: every answer, and every effect that comes before it, is a task that
 * waits until it is picked. Checks the promises after each of them.
 */
export class OrdersWorld {
  readonly overtakings = noOvertakings();
  readonly #setup: OrdersSetup;
  readonly #unhandled: () => readonly unknown[];
  readonly #pending: Pending;
  readonly #clock = new VirtualClock();
  readonly #history = new History(() => this.#clock.now());
  readonly #server = new Server();
  readonly #records: WatchedRecords;
  readonly #saved: SavedPromises;
  readonly #keys = new SavedKeys(this.#history);
  readonly #tabs: Tab[] = [];
  readonly #queries = new Map<number, SentQuery>();
  /** Reads that have taken effect, and not been answered, when something was written. */
  readonly #overwritten = new WeakSet<Operation>();
  /** What the last update has written. */
  #put: readonly RecordKey[] = [];
  #moment = 0;
  #failures = 0;
  #verificationFailures = 0;
  #deceptions: Outcome[] = [];

  /** @param unhandled errors that RxJS could hand to nobody since it was last called */
  constructor(setup: OrdersSetup, scheduler: fc.Scheduler, unhandled: () => readonly unknown[]) {
    this.#setup = setup;
    this.#unhandled = unhandled;
    this.#pending = new Pending(scheduler);
    this.#saved = new SavedPromises(this.#server, this.#history, (id) => this.#queries.get(id));
    this.#records = new WatchedRecords(
      (put) => {
        this.#put = put;
        this.#history.note(
          `  saved: ${put.map(([kind, id]) => `${kind}/${kind === "account" ? id : names([id])}`).join(" ")}, token ${String(this.#records.saved.token)}`,
        );
        this.#saved.check(this.#records.saved, put);
        this.#keys.updated(this.#records.saved, put);
      },
      () => {},
    );
    this.#history.note(JSON.stringify(setup));
  }

  /** Gives how many tasks fast-check's scheduler put in order. */
  async run(orders: readonly Order[]): Promise<number> {
    if (this.#setup.settled) this.#do("a beginning", () => this.#settle());
    const tasks = await this.#pending.shuffle(() => {
      if (!this.#setup.settled) this.#do("a beginning", () => this.#openAll());
      this.#follow(orders);
    });
    this.#history.note("everything that was pending is answered");
    this.#finish();
    return tasks;
  }

  #follow([order, ...rest]: readonly Order[]): void {
    if (order === undefined) return;
    const label = describeOrder(order);
    this.#add(label, () => {
      this.#execute(order);
      this.#follow(rest);
    });
  }

  #add(label: string, run: () => void): void {
    this.#pending.add(label, () => this.#do(label, run));
  }

  #do(what: string, action: () => void): void {
    this.#history.note(what);
    try {
      action();
    } catch (error) {
      this.#history.broken(
        "P8",
        `something threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
    for (const tab of this.#tabs) {
      this.#collect(tab);
      tab.page.check();
    }
    for (const error of this.#unhandled())
      this.#history.broken(
        "P8",
        `unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    this.#history.verify();
  }

  #execute(order: Order): void {
    if (order.type === "fail") this.#failures++;
    else if (order.type === "fail verification") this.#verificationFailures++;
    else if (order.type === "deceive") this.#deceptions.push(order.how);
    else if ("user" in order) this.#server[order.type](order.user);
    else if (order.type === "cancel") {
      const waiting = this.#tabs.flatMap(({ page }) => page.active.map((caller) => () => page.cancel(caller)));
      waiting[order.which % waiting.length]?.();
    } else {
      const tab = this.#tabs[order.tab];
      if (tab === undefined) return;
      if (order.type === "sync") this.#sync(tab, order.forAll);
      else if (order.type === "lookup") tab.page.lookup({ ...order, timeout: undefined, then: "nothing" });
      else if (order.type === "watch") tab.page.watch(order.users);
      else if (order.type === "lose") tab.position = this.#server.sync(tab.position, "plain").next ?? null;
      else {
        tab.page.crash();
        this.#open(order.tab);
      }
    }
  }

  #sync(tab: Tab, forAll: boolean): void {
    const response = this.#server.sync(tab.position, "plain");
    for (const one of forAll ? this.#tabs : [tab]) {
      one.position = response.next ?? null;
      one.onTheWay.push(response);
      // Whichever task comes first brings the first response: they keep their order.
      this.#add(`${one.name}: a sync response arrives`, () => this.#arrive(one));
    }
  }

  #arrive({ page, store, verifier, onTheWay }: Tab): void {
    const response = onTheWay.shift();
    if (response === undefined || page.gone) return;
    if (!page.loaded) this.overtakings["a step arrived while the saved state was being loaded"]++;
    const saved = [...store.underWay].filter(({ kind }) => kind === "save").flatMap(({ users }) => [...users]);
    if (saved.some((user) => response.changed.has(user)))
      this.overtakings["a change came while its user's list was being saved"]++;
    if ([...verifier.underWay].some(({ users }) => [...users].some((user) => response.changed.has(user))))
      this.overtakings["a change came while its user's list was being verified"]++;
    page.give(response);
  }

  /** New questions of the tracker become tasks. */
  #collect(tab: Tab): void {
    const { page, store, name } = tab;
    for (const query of page.queries) {
      if (tab.sent.has(query)) continue;
      const sent = {
        page,
        query,
        knew: new Map(
          query.users.map((user) => [
            user,
            Math.max(page.told.version(user), this.#server.announced(user, store.learnedTo)),
          ]),
        ),
        learned: new Map(query.users.map((user) => [user, store.learned(user)])),
      };
      this.#checkAlone(tab, sent);
      tab.sent.set(query, sent);
      this.#queries.set(query.id, sent);
      this.#add(`${name}: the server looks at the lists for query ${query.id}`, () => this.#look(tab, query));
    }
    for (const query of page.changesInFlight) {
      if (tab.asked.has(query)) continue;
      tab.asked.add(query);
      this.#add(`${name}: the server tells who changed from ${query.from} to ${query.to}`, () => {
        if (query.state !== "in flight" || page.gone) return;
        store.learnedTo = Math.max(store.learnedTo, positionOf(query.to));
        store.closesGap();
        page.answerChanges(query, "the truth");
      });
    }
  }

  /** P2 where there are several tabs: another query is sent only for a reason, which a step that this tab was given is, and what it found in the store. */
  #checkAlone(
    tab: Tab,
    { query, learned }: { readonly query: Query; readonly learned: ReadonlyMap<UserId, number> },
  ): void {
    for (const [before, { learned: learnedBefore }] of tab.sent) {
      if (before.state !== "in flight") continue;
      for (const user of query.users) {
        if (!before.users.includes(user)) continue;
        const told = (query.invalidations.get(user) ?? 0) > (before.invalidations.get(user) ?? 0);
        const found = (learned.get(user) ?? 0) > (learnedBefore.get(user) ?? 0);
        this.#history.expect(
          told || found,
          "P2",
          () =>
            `${tab.name}: query ${query.id} for ${names([user])} is sent while query ${before.id} is in flight, and nothing has superseded that`,
        );
      }
    }
  }

  #look(tab: Tab, query: Query): void {
    if (query.state !== "in flight" || tab.page.gone) return;
    const looked = new Map(query.users.map((user) => [user, this.#server.version(user)]));
    this.#add(`${tab.name}: query ${query.id} is answered`, () => this.#answer(tab, query, looked));
  }

  #answer({ page, store }: Tab, query: Query, looked: Query["seen"]): void {
    if (query.state !== "in flight" || page.gone) return;
    const earlier = page.inFlight.filter(({ id }) => id < query.id);
    const { overtakings } = this;
    if (earlier.length > 0) overtakings["a later query was answered before an earlier one"]++;
    if (earlier.some(({ users }) => users.some((user) => query.users.includes(user))))
      overtakings["a later query for the same user was answered before an earlier one"]++;
    if ([...store.underWay].some(({ kind, effective }) => kind === "commit" && effective))
      overtakings["a query was answered between a commit's effect and its answer"]++;
    if (query.users.some((user) => looked.get(user) !== this.#server.version(user)))
      overtakings["a query was answered with lists that had changed since they were looked at"]++;
    if (page.changesInFlight.length > 0) overtakings["a query was answered while a gap was being closed"]++;
    const fails = this.#failures > 0;
    if (fails) this.#failures--;
    page.answer(query, looked, fails ? "an error" : (this.#deceptions.shift() ?? "lists"));
  }

  /** Whether the verifier fails instead. */
  #verified(tab: number, verification: Verification): boolean {
    const { overtakings } = this;
    if ([...(this.#tabs[tab]?.verifier.underWay ?? [])][0] !== verification)
      overtakings["a later verification was answered before an earlier one"]++;
    if (this.#verificationFailures === 0) return false;
    this.#verificationFailures--;
    return true;
  }

  #effective(tab: number, operation: Operation): void {
    if (operation.kind === "read") return;
    const { overtakings } = this;
    if (operation.kind === "commit") {
      const { page } = this.#tabs[tab] ?? {};
      const { token } = this.#records.saved;
      const isBehind = token !== undefined && positionOf(token) < this.#saved.committedTo;
      if (
        isBehind &&
        page?.queries.some(({ state, users }) => state !== "aborted" && users.some((user) => operation.users.has(user)))
      ) {
        overtakings["a commit took effect behind another tab's, with a query sent after its step"]++;
      }
    }
    const isUpdate = ({ kind, effective }: Operation) => kind !== "read" && effective;
    for (const [index, other] of this.#tabs.entries()) {
      if (index === tab) continue;
      if ([...other.store.underWay].some(isUpdate)) overtakings["two tabs' updates were interleaved"]++;
      if (
        operation.kind === "commit" &&
        other.page.inFlight.some(({ users }) => users.some((user) => operation.users.has(user)))
      ) {
        overtakings["another tab committed a change while a query for the user was in flight"]++;
      }
      if (
        operation.kind === "commit" &&
        [...other.verifier.underWay].some(({ users }) => [...users].some((user) => operation.users.has(user)))
      ) {
        overtakings["another tab committed a change while its user's list was being verified"]++;
      }
    }
    if (operation.kind === "save" && !this.#put.some(([kind]) => kind === "list") && this.#wasToSave(tab, operation))
      overtakings["a save was refused"]++;
    for (const { store } of this.#tabs)
      for (const read of store.underWay)
        if (read.kind === "read" && read.effective && this.#put.length > 0) this.#overwritten.add(read);
  }

  /** Whether there was a list to save, and not only what it pins: of somebody who is tracked, and had not changed when all was verified. */
  #wasToSave(tab: number, { users }: Operation): boolean {
    const { page } = this.#tabs[tab] ?? {};
    return [...users].some((user) => {
      const query = page?.queries.findLast((one) => one.state === "answered" && one.users.includes(user));
      return (
        page?.told.tracked.has(user) === true &&
        query !== undefined &&
        (query.verified ?? query.answer)?.superseded.has(user) === false
      );
    });
  }

  #answered(operation: Operation): void {
    if (this.#overwritten.has(operation))
      this.overtakings["a read was answered with what had been overwritten since"]++;
  }

  #openAll(): void {
    for (let tab = 0; tab < this.#setup.tabs; tab++) this.#open(tab);
  }

  #open(index: number): void {
    const name = `tab ${index}`;
    let store: ScheduledStore | undefined;
    let verifier: ScheduledVerifier | undefined;
    const world: Surroundings = {
      setup: { ...this.#setup, tabs: this.#setup.tabs === 1 ? 1 : 2 },
      server: this.#server,
      clock: this.#clock,
      records: this.#records,
      history: this.#history,
      moment: () => ++this.#moment,
      answersAtOnce: () => false,
      then: () => {},
      storeFor: (page) => {
        store = new ScheduledStore(page, name, this.#records, (label, task) => this.#add(label, task), {
          effective: (operation) => this.#effective(index, operation),
          answered: (operation) => this.#answered(operation),
          committedTo: () => this.#saved.committedTo,
        });
        return store;
      },
      verifierFor: (page) => {
        verifier = new ScheduledVerifier(
          page,
          name,
          (label, task) => this.#add(label, task),
          (verification) => this.#verified(index, verification),
        );
        return verifier;
      },
      keys: this.#keys,
    };
    const { token } = this.#records.saved;
    const page = new Page(name, world);
    if (store === undefined || verifier === undefined)
      throw new Error("the page asked for no store, or for no verifier");
    this.#tabs[index] = {
      name,
      page,
      store,
      verifier,
      sent: new Map(),
      asked: new Set(),
      position: token === undefined ? null : positionOf(token),
      onTheWay: [],
    };
  }

  #settle(): void {
    this.#openAll();
    this.#syncInOrder();
    for (const user of USERS) {
      if (user !== ME && user !== DAVE) this.#server.join(user);
      this.#server.change(user);
    }
    this.#syncInOrder();
    for (const { page } of this.#tabs) {
      page.lookup({ users: [ME, BOB, CAROL], forceDownload: false, timeout: undefined, then: "nothing" });
      this.#runInOrder();
    }
  }

  #syncInOrder(): void {
    for (const tab of this.#tabs) {
      this.#sync(tab, false);
      this.#runInOrder();
    }
  }

  #runInOrder(): void {
    for (const tab of this.#tabs) this.#collect(tab);
    this.#pending.runInOrder();
  }

  /** Everything was answered and no time has passed: nobody waits any more. And once everything is told, and everybody asked for, everything is known as it is. */
  #finish(): void {
    const history = this.#history;
    this.#do("nobody waits", () => {
      for (const { page } of this.#tabs)
        history.expect(
          page.waiting.length === 0,
          "P5",
          () => `${page.waiting.map(({ name }) => name).join(" ")} never ended`,
        );
    });
    this.#failures = 0;
    this.#verificationFailures = 0;
    this.#deceptions = [];
    this.#do("everything is told", () => this.#syncInOrder());
    const watched = this.#tabs.some(({ page }) => page.active.length > 0);
    for (let time = 0; time < (watched ? LONG : STEP); time += STEP) {
      this.#do("time passes", () => this.#clock.advance(STEP));
      this.#runInOrder();
    }
    // A tab that lags behind the others learns of it by a save that is refused: a query more.
    for (const tab of this.#tabs) {
      this.#lookUpEveryone(tab);
      this.#lookUpEveryone(tab);
      const caller = this.#lookUpEveryone(tab);
      this.#do("everything is known", () => {
        for (const one of [caller, ...tab.page.active]) this.#expectTruth(tab, one);
      });
    }
  }

  #lookUpEveryone({ page }: Tab): Caller {
    const caller = page.lookup({ users: USERS, forceDownload: false, timeout: undefined, then: "nothing" });
    this.#runInOrder();
    return caller;
  }

  #expectTruth({ page, name }: Tab, { name: caller, last, users, watches }: Caller): void {
    this.#history.expect(last?.size === users.size, "in the end", () => `${name}: ${caller} was not answered`);
    for (const [user, { deviceKeys, freshness }] of last ?? []) {
      const asItShould =
        freshness === "current" || !page.told.tracked.has(user) || (!page.exact && freshness === "untracked");
      const version = this.#server.version(user);
      // Of whom nobody tells us, a watcher goes on showing what it has seen.
      const is =
        (watches && freshness === "untracked") ||
        (version === 0 ? deviceKeys.size === 0 : deviceKeys.has(`V${version}`));
      this.#history.expect(
        asItShould && is,
        "in the end",
        () =>
          `${name}: ${caller} shows ${names([user])} as ${freshness}, ${is ? "as it is" : `which is not V${version}`}`,
      );
    }
  }
}
