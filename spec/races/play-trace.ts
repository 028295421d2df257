import { defer, of, Subject, VirtualTimeScheduler } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceLists, KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import type { KeysApi } from "../../src/query/keys-api.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { answer } from "../support/wire.js";
import { HeldStore } from "./held-store.js";

/** What a trace breaks, and what it costs. */
interface Played {
  readonly broken: readonly string[];
  /** Queries that were sent, and ranges that `/keys/changes` was asked for. */
  readonly queries: number;
  readonly ranges: readonly string[];
}

/** The server's answers are of Bob's only device, which is another one after each of his changes: `V3` since position 3. */
const listAt = (version: number): KeysQueryResponse => answer({ [BOB]: [`V${version}`] });
const position = (token: string): number => Number(token.slice(1));
const currentVersion = (result: DeviceKeysByUser): number | undefined => {
  const bob = result.get(BOB);
  return bob?.freshness === "current" ? Math.max(...Array.from(bob.deviceKeys.keys(), position)) : undefined;
};

/** A homeserver whose every position is a change of Bob or of somebody else. */
class Log {
  readonly #changes: ("Bob" | "somebody else")[] = [];

  get now(): number {
    return this.#changes.length;
  }

  add(who: "Bob" | "somebody else"): void {
    this.#changes.push(who);
  }

  /** Bob's newest change up to a position. */
  version(upTo = this.now): number {
    return this.#changes.slice(0, upTo).lastIndexOf("Bob") + 1;
  }

  lists(from: number, to: number): DeviceLists {
    return this.version(to) > from ? { changed: [BOB] } : {};
  }

  response(since: number, next: number): SyncResponse {
    return { next_batch: `s${next}`, since: `s${since}`, device_lists: this.lists(since, next) };
  }
}

/** One tab: a tracker whose updates, steps and answers wait until the trace says that it is their turn. */
class Tab {
  readonly store: HeldStore;
  readonly tracker: DeviceTracker;
  readonly ranges: string[] = [];
  queries = 0;
  inbox: SyncResponse[] = [];
  up = true;
  /** The query in flight, and the list that the server has seen. */
  query: { seen: number | undefined; readonly answer$: Subject<KeysQueryResponse> } | undefined;
  readonly #log: Log;
  readonly #sync$ = new Subject<SyncResponse>();
  readonly #wrong: (what: string) => void;
  /** Bob's newest change of which this tab has been given a step. */
  #given = 0;
  #stands = "s0";
  /** Steps that have been received and not committed. */
  #uncommitted = 0;

  constructor(store: HeldStore, log: Log, wrong: (what: string) => void) {
    this.#log = log;
    this.#wrong = wrong;
    this.store = store;
    const keysApi: KeysApi = {
      query: () =>
        defer(() => {
          this.queries++;
          this.query = { seen: undefined, answer$: new Subject() };
          return this.query.answer$;
        }),
      changes: ({ from, to }) => {
        this.ranges.push(`${from} to ${to}`);
        return of(log.lists(position(from), position(to)));
      },
    };
    this.tracker = new DeviceTracker({
      userId: ALICE,
      store: this.store,
      sync$: this.#sync$,
      keysApi,
      scheduler: new VirtualTimeScheduler(),
    }); // time stands still
    this.tracker.connect();
  }

  /** @param saved the tokens that have been saved so far: a step between two of them is known */
  receive(saved: ReadonlySet<string>): void {
    const response = this.inbox.shift();
    if (typeof response?.since !== "string") throw new Error("there is nothing to receive");
    const { since, next_batch: next } = response;
    const known = since !== this.#stands && (next === this.#stands || (saved.has(since) && saved.has(next)));
    this.#given = Math.max(
      this.#given,
      (response.device_lists?.changed?.length ?? 0) > 0 ? this.#log.version(position(next)) : 0,
    );
    this.#stands = next;
    const { length: asked } = this.ranges;
    this.#sync$.next(response);
    // A gap is closed at once: what it waits for, and the missed steps.
    if (this.#uncommitted === 0 && this.store.nextOnlyWaits) {
      this.store.release();
      if (this.ranges.length > asked) this.store.release();
    }
    if (!known) this.#uncommitted++;
    this.#letOthers();
  }

  commit(): void {
    if (this.#uncommitted === 0) return; // the trace is one of a protocol that is broken, and ours took this step for what it was
    this.#uncommitted--;
    this.store.release(); // those that wait come in one transaction, so there may be none left
    this.#letOthers();
  }

  track(): void {
    this.tracker.track([CAROL]).subscribe();
    this.#letOthers();
  }

  /** Looks Bob up: in the cache, too, or the server is asked in any case. */
  ask(forceDownload: boolean): void {
    this.tracker.getDeviceKeys([BOB], { forceDownload }).subscribe((result) => {
      const version = currentVersion(result);
      if (version !== undefined && version < this.#given)
        this.#wrong(`is told that V${version} is current, and had been given V${this.#given}`);
    });
    this.#letOthers();
  }

  answered(): void {
    const { query } = this;
    if (query === undefined) return; // the list was there
    this.query = undefined;
    query.answer$.next(listAt(query.seen ?? this.#log.version()));
    query.answer$.complete();
    this.#letOthers();
  }

  crash(): void {
    this.up = false;
    this.inbox = [];
  }

  /** What is no commit of a step takes effect at once, in its turn. */
  #letOthers(): void {
    if (this.#uncommitted === 0) this.store.releaseAll();
  }
}

/**
 * Plays a trace of two tabs, 0 and 1, step by step (one a line, or `;` between them), with two trackers over one store; in the beginning both stand on `s0`, and Bob's list of then, V0, is saved.
 *
 * Two promises are looked at. After every transaction: the saved list contains every change up to the saved token, where a page that is loaded then would take it for
 * current. At every answer: what a tab is told is current contains every change of which it had been given a step. And in the end one look-up brings every tab the newest list.
 */
export function playTrace(trace: string): Played {
  const log = new Log();
  const records = memoryStore();
  const broken: string[] = [];
  savedBefore(records);
  let now = "";
  const wrong = (what: string) => {
    broken.push(`${now}: ${what}`);
  };
  const lookAtSaved = () => {
    const { token, version } = savedState(records);
    if (version !== undefined && version < log.version(token))
      wrong(`V${version} is saved as current with the token s${token}`);
  };
  const tabs = [0, 1].map(
    (i) =>
      new Tab(new HeldStore(records, lookAtSaved), log, (what) => {
        wrong(`tab ${i} ${what}`);
      }),
  );
  const tab = (i: string | undefined): Tab => tabs[Number(i)] ?? raise(`no tab ${i}`);
  const path = new Set(["s0"]);
  let loop = 0;
  let deposedLoop = 0;

  const send = (since: number, next: number) => {
    for (const each of tabs) if (each.up) each.inbox.push(log.response(since, next));
  };
  const lines: readonly (readonly [RegExp, (i: string | undefined, from: number, to: number) => void])[] = [
    [
      /^U changes$/u,
      () => {
        log.add("Bob");
      },
    ],
    [
      /^somebody else changes$/u,
      () => {
        log.add("somebody else");
      },
    ],
    [
      /^(\d) begins to sync$/u,
      () => {
        loop = position(savedToken(records));
      },
    ],
    [
      /^(\d) syncs (\d+) to (\d+)$/u,
      (_, from, to) => {
        if (from !== loop) wrong(`the leader syncs ${loop}`);
        loop = to;
        send(from, to);
      },
    ],
    [
      /^(\d), deposed, syncs (\d+) to (\d+)$/u,
      (_, from, to) => {
        if (from !== deposedLoop) wrong(`the former leader syncs ${deposedLoop}`);
        send(from, to);
      },
    ],
    [
      /^(\d) is given (\d+) to (\d+)$/u,
      (i, from, to) => {
        tab(i).inbox.push(log.response(from, to));
        tab(i).receive(path);
      },
    ],
    [
      /^(\d) receives$/u,
      (i) => {
        tab(i).receive(path);
      },
    ],
    [
      /^(\d), frozen, loses its messages$/u,
      (i) => {
        tab(i).inbox = [];
      },
    ],
    [
      /^(\d) commits (\d+) to (\d+)$/u,
      (i) => {
        tab(i).commit();
      },
    ],
    [
      /^(\d) tracks somebody else$/u,
      (i) => {
        tab(i).track();
      },
    ],
    [
      /^(\d) crashes$/u,
      (i) => {
        tab(i).crash();
      },
    ],
    [
      /^(\d) is frozen, its lock is taken$/u,
      () => {
        deposedLoop = loop;
      },
    ],
    [
      /^(\d) reads V\d+$/u,
      (i) => {
        tab(i).ask(false);
        tab(i).answered();
      },
    ],
    [
      /^(\d) asks$/u,
      (i) => {
        tab(i).ask(true);
      },
    ],
    [
      /^(\d) asks and is seen at V(\d+)$/u,
      (i, version) => {
        tab(i).ask(true);
        see(tab(i), version);
      },
    ],
    [
      /^the server sees (\d)'s query at V(\d+)$/u,
      (i, version) => {
        see(tab(i), version);
      },
    ],
    [
      /^(\d) is answered V\d+$/u,
      (i) => {
        tab(i).answered();
      },
    ],
  ];
  for (const line of trace.split(/[;\n]/u).map((each) => each.trim())) {
    if (line === "") continue;
    now = line;
    const [pattern, act] = lines.find(([each]) => each.test(line)) ?? raise(`a trace does not say "${line}"`);
    const [, i, from, to] = pattern.exec(line) ?? [];
    act(i, Number(from), Number(to));
    path.add(savedToken(records));
  }

  const { queries, ranges } = costOf(tabs);
  return { broken: [...broken, ...settle(tabs, log, records, path)], queries, ranges };
}

const raise = (message: string): never => {
  throw new Error(message);
};

function see({ query }: Tab, version: number): void {
  if (query !== undefined) query.seen ??= version;
}

const costOf = (tabs: readonly Tab[]) => ({
  queries: tabs.reduce((sum, { queries }) => sum + queries, 0),
  ranges: tabs.flatMap(({ ranges }) => ranges),
});

/** A page of before: Bob is tracked, and his list is saved. */
function savedBefore(store: DeviceStore): void {
  const start: SyncResponse = { next_batch: "s0", since: null, device_lists: { changed: [BOB] } };
  const former = new DeviceTracker({
    userId: ALICE,
    store,
    sync$: of(start),
    keysApi: { query: () => of(listAt(0)), changes: () => of({}) },
    scheduler: new VirtualTimeScheduler(),
  });
  former.connect();
  former.getDeviceKeys([BOB]).subscribe();
}

function savedToken(store: DeviceStore): string {
  let saved: string | undefined;
  store.syncToken$.subscribe((token) => (saved = token));
  return saved ?? raise("no token is saved");
}

/** What a page that is loaded now would go by. */
function savedState(store: DeviceStore): { readonly token: number; readonly version: number | undefined } {
  let version: number | undefined;
  const page = new DeviceTracker({
    userId: ALICE,
    store,
    keysApi: { query: () => of({}), changes: () => of({}) },
    scheduler: new VirtualTimeScheduler(),
    sync$: of(),
  });
  page.getKnownDeviceKeys([BOB]).subscribe((result) => (version = currentVersion(result)));
  return { token: position(savedToken(store)), version };
}

/** Everything on its way arrives, the leader syncs once more from what is saved, and every tab looks Bob up: what is then not as it should be. */
function settle(tabs: readonly Tab[], log: Log, records: DeviceStore, path: Set<string>): readonly string[] {
  const wrong: string[] = [];
  log.add("somebody else");
  const awake = tabs.filter(({ up }) => up);
  for (const tab of awake) {
    tab.store.releaseAll();
    while (tab.query !== undefined) tab.answered();
    while (tab.inbox.length > 0) {
      tab.receive(path);
      tab.store.releaseAll();
    }
  }
  const response = log.response(position(savedToken(records)), log.now);
  for (const tab of awake) {
    tab.inbox = [response];
    tab.receive(path);
    tab.store.releaseAll();
    let version: number | undefined;
    tab.tracker.getDeviceKeys([BOB]).subscribe((result) => (version = currentVersion(result)));
    tab.answered();
    tab.store.releaseAll();
    if (version !== log.version())
      wrong.push(
        `in the end tab ${tabs.indexOf(tab)} has ${version === undefined ? "no current list" : `V${version}`}, not V${log.version()}`,
      );
  }
  return wrong;
}
