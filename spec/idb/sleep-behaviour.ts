import { lastValueFrom } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { alice, announce, put, records, useIdbStore } from "./fixture.js";

interface Page {
  readonly document: EventTarget;
  readonly window: EventTarget;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 30));

/** What a store does while its tab is frozen or in the back/forward cache. `getPage` returns the targets of the browser's events. */
export function sleepBehaviour(implementation: string, getPage: () => Page): void {
  describe(`an idbStore ${implementation}, in a tab that falls asleep`, () => {
    const idb = useIdbStore();
    const tab = () => {
      const { document, window } = getPage();
      const store = idbStore(idb.name);
      const announced: unknown[] = [];
      store.commits$.subscribe((announcement) => announced.push(announcement));
      return {
        store,
        announced,
        freeze: () => document.dispatchEvent(new Event("freeze")),
        resume: () => document.dispatchEvent(new Event("resume")),
        hide: () => window.dispatchEvent(new Event("pagehide")),
        show: () => window.dispatchEvent(new Event("pageshow")),
      };
    };
    const increment = (store: DeviceStore) =>
      store.update([alice], ([count = 0]) => {
        const next = (count as number) + 1;
        return { puts: [[alice, next]], deletes: [], result: next, announce: next };
      });

    it.each([
      ["freeze", "resume"],
      ["hide", "show"],
    ] as const)("begins no transaction between %s and %s", async (sleep, wake) => {
      const { store, ...page } = tab();
      await records(store);
      page[sleep]();
      const done: unknown[] = [];
      increment(store).subscribe((result) => done.push(result));
      store.read([alice]).subscribe((result) => done.push(result));
      store.clear().subscribe(() => done.push("cleared"));
      await pause();
      expect(idb.transactions.length).toBe(1);
      page[wake]();
      await expect.poll(() => done).toEqual([1, [1], "cleared"]);
    });

    it("does not even open the database", async () => {
      const { store, freeze, resume } = tab();
      freeze();
      const reading = records(store);
      await pause();
      expect(idb.opening).not.toHaveBeenCalled();
      resume();
      expect(await reading).toEqual([undefined, undefined]);
    });

    it("begins no transaction if it falls asleep while the database is being opened", async () => {
      const { store, freeze, resume } = tab();
      const reading = records(store);
      freeze();
      await pause();
      expect(idb.transactions).toEqual([]);
      resume();
      expect(await reading).toEqual([undefined, undefined]);
    });

    it("forgets an operation that is given up before it wakes", async () => {
      const { store, freeze, resume } = tab();
      freeze();
      put(store, [alice, 1]).subscribe().unsubscribe();
      const subscription = put(store, [alice, 1]).subscribe();
      await pause();
      subscription.unsubscribe();
      resume();
      expect(await records(store)).toEqual([undefined, undefined]);
    });

    it("aborts an update under way, so that other tabs go on, and runs it again on waking", async () => {
      const { store, freeze, resume, announced } = tab();
      const other = tab().store;
      await records(store);
      idb.on.put = () => {
        idb.on.put = () => {};
        freeze();
      };
      const result = lastValueFrom(increment(store));
      await expect.poll(() => idb.ends).toContain("abort");
      vi.restoreAllMocks();
      resume();
      expect(await result).toBe(1);
      expect(await records(other)).toEqual([1, undefined]);
      expect(announced).toEqual([undefined, 1]);
    });

    it("emits the result of an update that was on the disk already", async () => {
      const { store, freeze, resume } = tab();
      await records(store);
      const emitted: unknown[] = [];
      idb.on.complete = freeze;
      const update = store.update([], () => ({ puts: [[alice, 1]], deletes: [], result: "written", announce: "a" }));
      update.subscribe((result) => emitted.push(result));
      await expect.poll(() => emitted).toEqual(["written"]);
      idb.on.complete = () => {};
      resume();
      expect(await records(store)).toEqual([1, undefined]);
    });

    it("still receives announcements while it is frozen, and emits undefined on waking", async () => {
      const other = idbStore(idb.name);
      const { announced, freeze, resume } = tab();
      await announce(other, "a");
      await expect.poll(() => announced).toEqual(["a"]);
      freeze();
      resume();
      await expect.poll(() => announced).toEqual(["a", undefined]);
    });

    it("closes its channel while it is in the back/forward cache", async () => {
      const { store, announced, hide, show } = tab();
      const sender = new BroadcastChannel(`matrix-device-tracker/idb/${idb.name}`);
      sender.postMessage({ announcement: "a" });
      await expect.poll(() => announced).toEqual(["a"]);
      hide();
      sender.postMessage({ announcement: "b" });
      await pause();
      show();
      expect(announced).toEqual(["a", undefined]);
      sender.postMessage({ announcement: "c" });
      await expect.poll(() => announced).toEqual(["a", undefined, "c"]);
      await announce(store, "d");
      expect(announced).toEqual(["a", undefined, "c", "d"]);
      sender.close();
    });
  });
}
