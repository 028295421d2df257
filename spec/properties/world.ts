import type { UserId } from "../../src/model/ids.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { BOB, CAROL, DAVE, describe, ME, names, USERS, type Command, type Setup, type Then } from "./commands.js";
import { History } from "./history.js";
import { positionOf, Server, type Response } from "./model.js";
import { SavedKeys } from "./saved-keys.js";
import { SlowVerifier } from "./slow-verifier.js";
import { Page, type Caller, type Surroundings } from "./page.js";
import { VirtualClock } from "./virtual-clock.js";
import { WatchedRecords } from "./watched-records.js";
import { readList } from "./wire.js";

/** What a sync loop has in hand: where it stands, and what is on its way to the page. */
interface Loop {
  position: number | null;
  readonly onTheWay: Response[];
}

/** Who meddles with a history from outside of it. */
export interface Meddler {
  /** What the page's tracker is given, in place of the page's own store. The page may be crashed by any operation. */
  readonly storeFor: (page: Page) => DeviceStore;
  /** A page that has gone of itself was opened again, and somebody looks at once what is saved. */
  readonly reopened: (onlooker: Caller) => void;
  /** The commands are through: from now on everything is to come right. */
  readonly leave: () => void;
}
const NOBODY: Meddler = { storeFor: ({ store }) => store, reopened: () => {}, leave: () => {} };

/** Lets a history happen, and checks the design's promises all along. Throws a {@link Violation}, whose message is what happened, where one is broken. */
export class World {
  readonly #clock = new VirtualClock();
  readonly #history = new History(() => this.#clock.now());
  readonly #server = new Server();
  readonly #records: WatchedRecords;
  readonly #world: Surroundings;
  readonly #pages: Page[] = [];
  readonly #allPages: Page[] = [];
  readonly #loops: Loop[] = [];
  readonly #keys = new SavedKeys(this.#history);
  readonly #verifiers = new Map<Page, SlowVerifier>();
  #moment = 0;
  #answersAtOnce = false;
  /** The newest position that was ever saved as the token: everything up to there must be in the saved lists, or they are outdated. */
  #committedTo = 0;
  /** Whether the store was cleared, and nobody may write any more. */
  #closed = false;
  readonly #unhandled: () => readonly unknown[];
  readonly #meddler: Meddler;

  /** @param unhandled errors that RxJS could hand to nobody since it was last called */
  constructor(setup: Setup, unhandled: () => readonly unknown[], meddler = NOBODY) {
    this.#unhandled = unhandled;
    this.#meddler = meddler;
    this.#records = new WatchedRecords(
      (put) => this.#updated(put),
      () => this.#cleared(),
    );
    this.#world = {
      setup,
      server: this.#server,
      clock: this.#clock,
      records: this.#records,
      history: this.#history,
      moment: () => ++this.#moment,
      answersAtOnce: () => this.#answersAtOnce,
      then: (page, then, users) => this.#then(page, then, users),
      storeFor: (page) => meddler.storeFor(page),
      verifierFor: (page) => {
        const verifier = new SlowVerifier(page.clock, setup.verifierTakes, (checks, failed) =>
          page.verified(checks, failed),
        );
        this.#verifiers.set(page, verifier);
        return verifier;
      },
      keys: this.#keys,
    };
    this.#history.note(JSON.stringify(setup));
    for (let tab = 0; tab < setup.tabs; tab++) this.#open(tab);
    if (setup.settled) this.#do("a beginning", () => this.#settle());
  }

  run(commands: readonly Command[]): void {
    for (const command of commands) this.#do(describe(command), () => this.#execute(command));
    this.#meddler.leave();
    this.#finish();
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
    this.#reopen();
    for (const page of this.#pages) page.check();
    for (const error of this.#unhandled())
      this.#history.broken(
        "P8",
        `unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    this.#history.verify();
  }

  #execute(command: Command): void {
    this.#reopen();
    const tab = "tab" in command ? command.tab : 0;
    const page = this.#pages[tab];
    const loop = this.#loops[tab];
    if (page === undefined || loop === undefined) return;
    switch (command.type) {
      case "change":
      case "join":
      case "leave":
        this.#server[command.type](command.user);
        break;
      case "sync": {
        const response = this.#server.sync(loop.position, command.shape);
        loop.position = response.next ?? loop.position;
        for (const one of command.toAll ? this.#loops : [loop]) one.onTheWay.push(response);
        break;
      }
      case "initial sync":
        loop.position = null;
        break;
      case "rewind":
        if (loop.position !== null) loop.position = Math.max(0, loop.position - command.by);
        break;
      case "deliver":
        this.#deliver(page);
        break;
      case "lose":
        loop.onTheWay.shift();
        break;
      case "deliver again": {
        const response = pick(page.received, command.which);
        if (response !== undefined) page.give(response);
        break;
      }
      case "connect":
        page.connect();
        break;
      case "disconnect":
        page.disconnect();
        break;
      case "end sync":
        page.endSync(command.how);
        break;
      case "lookup":
        page.lookup(command);
        break;
      case "known":
        page.known(command.users);
        break;
      case "watch":
        page.watch(command.users);
        break;
      case "track":
        page.track(command.users);
        break;
      case "cancel": {
        const cancelled = pick(
          this.#pages.flatMap((one) => one.active.map((caller) => () => one.cancel(caller))),
          command.which,
        );
        cancelled?.();
        break;
      }
      case "answer": {
        const answered = pick(
          this.#pages.flatMap((one) =>
            one.inFlight.map((query) => () => one.answer(query, command.looksAt, command.outcome)),
          ),
          command.which,
        );
        answered?.();
        break;
      }
      case "answer changes": {
        const answered = pick(
          this.#pages.flatMap((one) =>
            one.changesInFlight.map((query) => () => one.answerChanges(query, command.outcome)),
          ),
          command.which,
        );
        answered?.();
        break;
      }
      case "server answers":
        this.#answersAtOnce = command.when === "at once";
        break;
      case "outage":
        if (command.down) this.#server.down.add(command.server);
        else this.#server.down.delete(command.server);
        break;
      case "wait":
        this.#clock.advance(command.ms);
        break;
      case "store trouble":
        page.troubled = true;
        page.troubles++;
        // What is done twice may be taken for what another tab did, and queries sent in between are then not relied on.
        if (command.trouble === "hangs, though done") page.told.uncertain = true;
        if (command.trouble === "fails") page.store.failNext(new Error("the disk is full"), command.operation);
        else page.store.hangNext(command.operation, command.trouble === "hangs, though done");
        break;
      case "verifier trouble": {
        const verifier = this.#verifiers.get(page);
        page.verifierTroubled = true;
        if (verifier !== undefined) verifier.trouble = command.trouble;
        break;
      }
      case "find":
        page.find(command.user);
        break;
      case "restart":
        page.crash();
        this.#open(tab);
        break;
      case "clear":
        page.store.clear().subscribe({ error: () => this.#history.note("  clear() fails") });
        break;
    }
  }

  #settle(): void {
    const tabs = this.#pages.length === 1 ? ([0] as const) : ([0, 1] as const);
    const sync = () => {
      for (const tab of tabs) {
        this.#execute({ type: "sync", tab, shape: "plain", toAll: false });
        this.#execute({ type: "deliver", tab });
      }
    };
    this.#answersAtOnce = true;
    sync();
    for (const user of USERS) {
      if (user !== ME && user !== DAVE) this.#server.join(user);
      this.#server.change(user);
    }
    sync();
    for (const tab of tabs) {
      this.#clock.advance(100);
      this.#reopen();
      this.#pages[tab]?.lookup({ users: [ME, BOB, CAROL], forceDownload: false, timeout: undefined, then: "nothing" });
    }
    this.#clock.advance(100);
    this.#answersAtOnce = false;
  }

  #open(tab: number): Page {
    const { token } = this.#records.saved;
    this.#loops[tab] = { position: token === undefined ? null : positionOf(token), onTheWay: [] };
    this.#closed = false;
    const page = new Page(`tab ${tab}`, this.#world);
    this.#pages[tab] = page;
    this.#allPages.push(page);
    return page;
  }

  #reopen(): void {
    for (const [tab, { gone }] of this.#pages.entries()) {
      if (!gone) continue;
      this.#history.note("the page is opened again");
      this.#meddler.reopened(this.#open(tab).known(USERS));
    }
  }

  #deliver(page: Page): void {
    const response = this.#loops[this.#pages.indexOf(page)]?.onTheWay.shift();
    if (response !== undefined) page.give(response);
  }

  #then(page: Page, then: Then, users: readonly UserId[]): void {
    if (then === "nothing" || page.gone || !this.#pages.includes(page)) return;
    this.#history.note(`  inside: ${then}`);
    if (then === "asks again") page.lookup({ users, forceDownload: false, timeout: undefined, then: "nothing" });
    else if (then === "is given the next step") this.#deliver(page);
    else {
      const loop = this.#loops[this.#pages.indexOf(page)];
      const [user = BOB] = users.filter((one) => USERS.includes(one));
      this.#server.change(user);
      if (loop === undefined) return;
      const response = this.#server.sync(loop.position, "plain");
      loop.position = response.next ?? null;
      loop.onTheWay.push(response);
      while (loop.onTheWay.length > 0) this.#deliver(page);
    }
  }

  /** P3 and P4, of what is saved, after every transaction. */
  #updated(put: readonly RecordKey[]): void {
    const { saved } = this.#records;
    const { token, epoch, states, lists } = saved;
    const history = this.#history;
    this.#keys.updated(saved, put);
    if (put.length > 0)
      history.note(
        `  saved: ${put.map(([kind, id]) => `${kind}/${kind === "account" ? id : names([id])}`).join(" ")}, token ${String(token)}`,
      );
    history.expect(!this.#closed || put.length === 0, "clear()", () => "something was written after it");
    if (token !== undefined) this.#committedTo = Math.max(this.#committedTo, positionOf(token));
    for (const [kind, user] of put) {
      const list = kind === "list" ? lists.get(user) : undefined;
      if (list === undefined) continue;
      const { version, mark } = readList(list.list.deviceKeys);
      history.expect(
        mark?.unreachable !== true,
        "P3",
        () => `V${version} of ${names([user])} is saved, though their server had failed`,
      );
      const page = this.#allPages.find(({ queries }) => queries.some(({ id }) => id === mark?.query));
      const query = page?.queries.find(({ id }) => id === mark?.query);
      const superseded = (query?.verified ?? query?.answer)?.superseded.has(user);
      history.expect(
        page?.told.uncertain === true || superseded !== true,
        "P3",
        () =>
          `V${version} of ${names([user])} is saved, and had been superseded when it came, or when its signatures were verified`,
      );
    }
    for (const [user, list] of lists) {
      const state = states.get(user);
      history.expect(state !== undefined, "P3", () => `a list of ${names([user])} is saved, who is not tracked`);
      if (state === undefined) continue;
      const revision = Math.max(state.revision, epoch);
      if (state.listed !== revision) continue;
      const { version } = readList(list.list.deviceKeys);
      const announced = this.#server.announced(user, this.#committedTo);
      history.expect(
        version >= announced,
        "P4",
        () =>
          `V${version} of ${names([user])} is saved as up to date, and V${announced} had been announced up to the saved token`,
      );
    }
    for (const [user, state] of states)
      history.expect(
        state.listed !== Math.max(state.revision, epoch) || lists.has(user),
        "P4",
        () => `the list of ${names([user])} is up to date, and not there`,
      );
  }

  #cleared(): void {
    this.#history.note("  the store is cleared");
    this.#committedTo = 0;
    this.#keys.cleared();
    this.#closed = this.#pages.every(({ loaded }) => loaded);
    for (const page of this.#pages) {
      page.sawClear = true;
      page.told.uncertain = true;
      if (!page.loaded) page.told.startsEmpty();
    }
  }

  /** However it went until now: everything ends, everything is told, and nothing stays behind. */
  #finish(): void {
    const history = this.#history;
    this.#answersAtOnce = false;
    for (let minutes = 0; minutes < 120 && this.#pages.some(({ waiting }) => waiting.length > 0); minutes++) {
      this.#do("a minute passes, and the server answers nobody", () => this.#clock.advance(60_000));
    }
    for (const { waiting } of this.#pages)
      history.expect(waiting.length === 0, "P5", () => `${waiting.map(({ name }) => name).join(" ")} never ended`);

    this.#do("everything works again", () => {
      this.#answersAtOnce = true;
      this.#server.down.clear();
      for (const verifier of this.#verifiers.values()) verifier.trouble = undefined;
      for (const page of this.#pages) {
        for (const query of page.inFlight) page.answer(query, "departure", "lists");
        for (const query of page.changesInFlight) page.answerChanges(query, "the truth");
        for (let i = 0; i < 20; i++) page.store.read([]).subscribe({ error: () => {} });
        for (let i = 0; i < 20; i++) page.store.readKinds([]).subscribe({ error: () => {} });
        for (let i = 0; i < 20; i++)
          page.store.update([], () => ({ puts: [], deletes: [], result: undefined })).subscribe({ error: () => {} });
      }
      this.#clock.advance(200_000);
      for (const [tab, page] of this.#pages.entries())
        if (page.sawClear) this.#execute({ type: "restart", tab: tab === 0 ? 0 : 1 });
      this.#clock.advance(100);
    });
    this.#do("everything is told", () => {
      for (const [tab, page] of this.#pages.entries()) {
        page.connect();
        this.#execute({ type: "sync", tab: tab === 0 ? 0 : 1, shape: "plain", toAll: false });
        while ((this.#loops[tab]?.onTheWay.length ?? 0) > 0) this.#deliver(page);
      }
      this.#clock.advance(100);
    });
    this.#do("half an hour passes", () => this.#clock.advance(35 * 60_000));
    for (const page of this.#pages) {
      if (page.sawClear) continue;
      const current = (of: (typeof page.callers)[number]) => {
        for (const [user, { freshness }] of of.last ?? []) {
          // Whether somebody is still tracked is the tracker's own affair where it may have missed a step that the server's answer did not bring back.
          const asItShould =
            freshness === "current" ||
            !page.told.tracked.has(user) ||
            (freshness === "untracked" && (!page.exact || page.mayBeUntracked(user)));
          history.expect(asItShould, "in the end", () => `${of.name} shows ${names([user])} as ${freshness}`);
        }
      };
      const everyone = {
        users: [...page.told.tracked],
        forceDownload: false,
        timeout: undefined,
        then: "nothing",
      } as const;
      this.#do("everyone is looked up, and those whose list could not be saved once more", () => {
        for (const caller of page.active) if (caller.watches) current(caller);
        // One whose update took effect after it was given up may find each user's save refused and must ask twice, for one user after the other where few lists are in memory.
        for (let i = 0; i < (page.troubled ? 2 * everyone.users.length : 2); i++) {
          const caller = page.lookup(everyone);
          this.#clock.advance(100);
          if (!page.troubled && page.exact) current(caller); // a tracker that lags behind the store may learn of it by a save that is refused: a query more
        }
      });
      this.#do("everyone is looked up again", () => {
        const { length } = page.queries;
        const again = page.lookup(everyone);
        this.#clock.advance(100);
        if (this.#pages.length === 1) current(again); // of two tabs each may lag, and with few lists in memory it is one query more for each user
        history.expect(again.ended, "in the end", () => `${again.name} has not ended`);
        const asked = page.queries.slice(length).flatMap(({ users }) => users);
        history.expect(
          !page.exact || asked.every((user) => page.mayBeUntracked(user)),
          "in the end",
          () => "everybody's list is cached, and somebody was asked for",
        );
      });
    }

    const [only] = this.#allPages;
    if (this.#allPages.length === 1 && only !== undefined && !only.troubled && !only.fellBack && !only.sawClear) {
      history.expect(
        this.#keys.untold.length === 0,
        "deviceUpdates$",
        () => `nobody was told of the changes of ${names(this.#keys.untold)}`,
      );
    }
    this.#do("everything is unsubscribed", () => {
      this.#answersAtOnce = false;
      for (const page of this.#pages) {
        page.lookup({ users: USERS, forceDownload: true, timeout: undefined, then: "nothing" });
        this.#clock.advance(100);
        for (const caller of page.active) page.cancel(caller);
        page.disconnect();
        history.expect(page.inFlight.length === 0, "P9", () => "queries are in flight");
      }
      this.#clock.advance(200_000);
      for (const page of this.#pages)
        history.expect(page.pendingTimers === 0, "P9", () => `${page.pendingTimers} timers are left`);
    });
    this.#do("somebody asks anew", () => {
      for (const page of this.#pages) {
        const { length } = page.queries;
        const anew = page.lookup({ users: USERS, forceDownload: true, timeout: undefined, then: "nothing" });
        history.expect(page.queries.length > length, "P9", () => "an entry was left: nobody was asked");
        page.cancel(anew);
      }
    });
  }
}

function pick<T>(from: readonly T[], which: number): T | undefined {
  return from[which % from.length];
}
