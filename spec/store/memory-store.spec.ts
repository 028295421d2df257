import { describe, expect, it } from "vitest";
import type { Update } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { deviceStoreContract } from "../contracts/device-store.contract.js";

deviceStoreContract("memoryStore", memoryStore);

describe("memoryStore", () => {
  it("answers within the subscription", () => {
    const store = memoryStore();
    const seen: unknown[] = [];
    store
      .update<string>([], (): Update<string> => ({ puts: [[["state", "a"], 1]], deletes: [], result: "written" }))
      .subscribe((result) => seen.push(result));
    store.read([["state", "a"]]).subscribe((records) => seen.push(records));
    store.readKinds(["state"]).subscribe((kinds) => seen.push(kinds));
    store.syncToken$.subscribe((token) => seen.push(token));
    store.clear().subscribe({ complete: () => seen.push("cleared") });
    expect(seen).toEqual(["written", [1], [new Map([["a", 1]])], undefined, "cleared"]);
  });

  it("shares nothing with another memoryStore", () => {
    memoryStore()
      .update([], () => ({ puts: [[["state", "a"], 1]], deletes: [], result: undefined }))
      .subscribe();
    let found: unknown;
    memoryStore()
      .read([["state", "a"]])
      .subscribe((records) => (found = records));
    expect(found).toEqual([undefined]);
  });
});
