/** The page of the proofs: the package as an application composes it, telling all that happens to whoever drives the browser. */
import { firstValueFrom, lastValueFrom, tap } from "rxjs";
import { DeviceTracker } from "matrix-device-tracker";
import { axiosKeysApi, matrixHttp, syncResponses } from "matrix-device-tracker/http";
import { idbStore } from "matrix-device-tracker/idb";
import { shareAcrossTabs } from "matrix-device-tracker/tabs";
import { readListRecord } from "../../../src/lists/list-record.js";
import { Random } from "../../support/random.js";
import type { ProofPage, SavedDump, Told } from "./told.js";
import { toldStore } from "./told-store.js";

const { tab = "", user = "", shared = "" } = Object.fromEntries(new URLSearchParams(location.search));
const DATABASE = `devices/${user}`;
/** Lookups that are under way at once, in a page that works. */
const WORKERS = 4;

/** Put there by whoever drives the browser, before the page was loaded: hands the text over within this call. */
const { tell: say } = globalThis as unknown as { tell: (text: string) => void };
const tell = (told: Told) => say(JSON.stringify([tab, told]));
addEventListener("error", ({ message }) => tell({ type: "error", message }));
addEventListener("unhandledrejection", ({ reason }) => tell({ type: "error", message: String(reason) }));
tell({ type: "started" });
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) tell({ type: "restored" });
});
// Before anybody else listens: what is told from here on until it is resumed happens in a frozen page.
document.addEventListener("freeze", () => tell({ type: "frozen" }));
document.addEventListener("resume", () => tell({ type: "resumed" }));

const http = matrixHttp({ homeserverUrl: `${location.origin}/${tab}`, accessToken: "token" });
const store = toldStore(idbStore(DATABASE), (underWay) => tell({ type: "store", ...underWay }));
const responses$ = syncResponses(http, {
  since$: store.syncToken$,
  timeout: 2_000,
  onFailure: ({ type, message }) => tell({ type: "problem", problem: type, message }),
});
const sync$ = (shared === "" ? responses$ : responses$.pipe(shareAcrossTabs(shared))).pipe(
  tap(({ next_batch: token }) => tell({ type: "given", token })),
);
const tracker = new DeviceTracker({ userId: user, store, keysApi: axiosKeysApi(http), sync$ });
tracker.problems$.subscribe(({ type, message }) => tell({ type: "problem", problem: type, message }));
tracker.synced$.subscribe({
  next: ({ next_batch: token }) => tell({ type: "synced", token }),
  error: (error: unknown) => tell({ type: "error", message: `synced$ failed: ${String(error)}` }),
  complete: () => tell({ type: "error", message: "synced$ completed" }),
});

async function saved(): Promise<SavedDump> {
  const [account, states, lists] = (
    await firstValueFrom(idbStore(DATABASE).readKinds(["account", "state", "list"]))
  ).map((records) => [...records]);
  return {
    account: account ?? [],
    states: states ?? [],
    lists: (lists ?? []).map(([owner, record]) => {
      const list = readListRecord(record, owner);
      return [
        owner,
        {
          readable: list !== undefined,
          revision: list?.revision ?? -1,
          devices: [...(list?.list.deviceKeys.keys() ?? [])],
        },
      ] as const;
    }),
  };
}

async function lookup(id: number, users: readonly string[], forceDownload: boolean): Promise<void> {
  tell({ type: "lookup", id, users });
  try {
    const answers = await firstValueFrom(
      tracker
        .getDeviceKeys(users, { forceDownload })
        .pipe(
          tap((found) =>
            tell({
              type: "answered",
              id,
              users: Array.from(
                found,
                ([owner, { freshness, deviceKeys }]) => [owner, freshness, [...deviceKeys.keys()]] as const,
              ),
            }),
          ),
        ),
    );
    if (answers.size !== users.length)
      tell({ type: "error", message: `lookup ${id} gave ${answers.size} of ${users.length} users` });
  } catch (error) {
    tell({ type: "not answered", id, message: String(error) });
  }
}

async function work(seed: number, users: readonly string[]): Promise<void> {
  const random = new Random(seed);
  for (let id = seed; ; id++) {
    await lookup(id, random.some(users, random.between(1, 10)), random.chance(0.2));
    await new Promise((resolve) => setTimeout(resolve)); // what memory has is there at once: others must have their turn
  }
}

Object.assign(globalThis, {
  proof: {
    saved,
    connect: () => void tracker.connect(),
    track: (users) => lastValueFrom(tracker.track(users), { defaultValue: undefined }),
    lookup: (id, users, forceDownload) => void lookup(id, users, forceDownload),
    work: (seed, users) => {
      for (let worker = 1; worker <= WORKERS; worker++) void work(seed * 1_000_000 + worker * 100_000, users);
    },
  } satisfies ProofPage,
});
