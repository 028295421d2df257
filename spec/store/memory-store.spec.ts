import { tap } from "rxjs";
import { describe, expect, it } from "vitest";
import type { Update } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";

describe("memoryStore", () => {
  it("emits synchronously", () => {
    const store = memoryStore();
    const seen: unknown[] = [];
    store
      .update<string>([], (): Update<string> => ({ puts: [[["log", "a"], 1]], deletes: [], result: "written" }))
      .subscribe((result) => seen.push(result));
    store.read([["log", "a"]]).subscribe((records) => seen.push(records));
    store.readKinds(["log"]).subscribe((kinds) => seen.push(kinds));
    store.syncToken$.subscribe((token) => seen.push(token));
    store.clear().subscribe({ complete: () => seen.push("cleared") });
    expect(seen).toEqual(["written", [1], [new Map([["a", 1]])], undefined, "cleared"]);
  });

  it("announces an update synchronously, before its result", () => {
    const store = memoryStore();
    const seen: unknown[] = [];
    store.commits$.subscribe((announcement) => seen.push(announcement));
    store
      .update([], () => ({ puts: [], deletes: [], result: "result", announce: "announcement" }))
      .subscribe((result) => seen.push(result));
    expect(seen).toEqual(["announcement", "result"]);
  });

  it("runs an update made from within a result to its end before it returns", () => {
    const store = memoryStore();
    const update = (name: string) =>
      store.update([], () => ({ puts: [], deletes: [], result: `result of ${name}`, announce: name }));
    const seen: unknown[] = [];
    store.commits$.subscribe((announcement) => seen.push(announcement));
    const nested = tap((resultOfA: string) => {
      update("b").subscribe((resultOfB) => seen.push(resultOfB));
      seen.push(resultOfA);
    });
    update("a").pipe(nested).subscribe();
    expect(seen).toEqual(["a", "b", "result of b", "result of a"]);
  });

  it("shares nothing with another memoryStore", () => {
    memoryStore()
      .update([], () => ({ puts: [[["log", "a"], 1]], deletes: [], result: undefined }))
      .subscribe();
    let found: unknown;
    memoryStore()
      .read([["log", "a"]])
      .subscribe((records) => (found = records));
    expect(found).toEqual([undefined]);
  });
});
