import { lastValueFrom } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import { alice, announce, failureOf, records, useIdbStore } from "./fixture.js";

/** Counts the channels that are open, and keeps them for the test. */
function spyOnChannels() {
  const open = new Set<BroadcastChannel>();
  let opened = 0;
  class SpiedChannel extends BroadcastChannel {
    constructor(name: string) {
      super(name);
      opened++;
      open.add(this);
    }
    override close() {
      super.close();
      open.delete(this);
    }
  }
  vi.stubGlobal("BroadcastChannel", SpiedChannel);
  return {
    get counts() {
      return { opened, open: open.size };
    },
    open,
  };
}

/** How announcements travel, beyond what every store promises. */
export function announcementsBehaviour(implementation: string): void {
  describe(`the announcements of an idbStore ${implementation}`, () => {
    const idb = useIdbStore();
    const received = (store = idb.store) => {
      const all: unknown[] = [];
      store.commits$.subscribe((announcement) => all.push(announcement));
      return all;
    };

    it("reach only stores of the same database", async () => {
      const here = received(idbStore(idb.name));
      const elsewhere = received(idbStore(`${idb.name}/2`));
      await announce(idb.store, "a");
      await expect.poll(() => here).toEqual(["a"]);
      expect(elsewhere).toEqual([]);
    });

    it("use one channel, open from the first subscription to the end of the last", async () => {
      const channels = spyOnChannels();
      expect(channels.counts).toEqual({ opened: 0, open: 0 });
      const subscriptions = [idb.store.commits$.subscribe(), idb.store.commits$.subscribe()];
      await announce(idb.store, "a");
      expect(channels.counts).toEqual({ opened: 1, open: 1 });
      subscriptions[0]?.unsubscribe();
      expect(channels.counts).toEqual({ opened: 1, open: 1 });
      subscriptions[1]?.unsubscribe();
      expect(channels.counts).toEqual({ opened: 1, open: 0 });
    });

    it("are sent without subscribers as well, through a channel that is closed again", async () => {
      const others = received(idbStore(idb.name));
      const channels = spyOnChannels();
      await announce(idb.store, "a");
      expect(channels.counts).toEqual({ opened: 1, open: 0 });
      await expect.poll(() => others).toEqual(["a"]);
    });

    it("open no channel if there are none", async () => {
      const channels = spyOnChannels();
      await announce(idb.store, undefined);
      await records(idb.store);
      expect(channels.counts).toEqual({ opened: 0, open: 0 });
    });

    it("reach the store's own subscribers without BroadcastChannel", async () => {
      vi.stubGlobal("BroadcastChannel", undefined);
      const own = received();
      expect(await announce(idb.store, "a")).toBe("announced");
      expect(own).toEqual(["a"]);
    });

    it("reach the store's own subscribers if a channel cannot be opened", async () => {
      const denied = vi.fn(function () {
        throw new DOMException("denied", "SecurityError");
      });
      vi.stubGlobal("BroadcastChannel", denied);
      const own = received();
      expect(await announce(idb.store, "a")).toBe("announced");
      expect(own).toEqual(["a"]);
    });

    it("that cannot be cloned do not fail the update, and are undefined elsewhere", async () => {
      const own = received();
      const others = received(idbStore(idb.name));
      const uncloneable = () => {};
      expect(await announce(idb.store, uncloneable)).toBe("announced");
      expect(own).toEqual([uncloneable]);
      await expect.poll(() => others).toEqual([undefined]);
    });

    it("are undefined if a message cannot be read", () => {
      const channels = spyOnChannels();
      const own = received();
      for (const channel of channels.open) channel.dispatchEvent(new MessageEvent("messageerror"));
      expect(own).toEqual([undefined]);
    });

    it("are not made if the browser aborts the transaction", async () => {
      const own = received();
      const others = received(idbStore(idb.name));
      idb.on.put = () => idb.transactions[0]?.abort();
      await failureOf(
        idb.store.update([], () => ({ puts: [[alice, 1]], deletes: [], result: undefined, announce: "a" })),
      );
      idb.on.put = () => {};
      await announce(idb.store, "b");
      expect(own).toEqual(["b"]);
      await expect.poll(() => others).toEqual(["b"]);
    });

    it("are made if an update is unsubscribed when it is already on the disk", async () => {
      const own = received();
      await records(idb.store);
      const results: unknown[] = [];
      const update = idb.store.update([], () => ({
        puts: [[alice, 1]],
        deletes: [],
        result: "written",
        announce: "a",
      }));
      const subscription = update.subscribe((result) => results.push(result));
      idb.on.complete = () => {
        subscription.unsubscribe();
      };
      await expect.poll(() => own).toEqual(["a"]);
      expect(results).toEqual([]);
      expect(await lastValueFrom(idb.store.read([alice]))).toEqual([1]);
    });
  });
}
