import { defer, firstValueFrom, map, of, race, timer, catchError } from "rxjs";
import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory-store.js";
import { ContractBrokenError } from "../../src/testing/contract/contract-broken-error.js";
import { deviceStoreContract } from "../../src/testing/device-store-contract.js";
import { type Fault, FAULTS } from "./faulty-stores.js";

/** A test that has not ended after this time, in ms, waits for an announcement that does not come. */
const PATIENCE = 200;

function testsOf(fault: Fault) {
  const tests = deviceStoreContract(() => {
    const data = memoryStore();
    let opened = 0;
    return () => ({ ...data, ...fault(data, opened++ === 0) });
  });
  return new Map(tests.map(({ title, run }) => [title, run]));
}

const outcome = (run: ReturnType<ReturnType<typeof testsOf>["get"]>): Promise<unknown> =>
  firstValueFrom(
    race(
      defer(run!).pipe(
        map(() => "passed"),
        catchError((error: unknown) => of(error)),
      ),
      timer(PATIENCE).pipe(map(() => "waits")),
    ),
  );

describe("deviceStoreContract", () => {
  it("has short titles, each once", () => {
    const titles = deviceStoreContract(() => memoryStore).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    expect(titles.filter((title) => title.length > 80)).toEqual([]);
  });

  it("runs each test on new data, at each subscription", async () => {
    let created = 0;
    const tests = deviceStoreContract(() => {
      created++;
      const store = memoryStore();
      return () => store;
    });
    expect(created).toBe(0);
    const run$ = tests[0]!.run();
    expect(created).toBe(0);
    expect([await firstValueFrom(run$), await firstValueFrom(run$), created]).toEqual([undefined, undefined, 2]);
  });

  it.each(FAULTS)("notices a store that %s", async (_, title, fault) => {
    expect(await outcome(testsOf(() => ({})).get(title))).toBe("passed");
    expect(await outcome(testsOf(fault).get(title))).not.toBe("passed");
  });

  it("fails with what it expected and what it got", async () => {
    const [, title, fault] = FAULTS[0]!;
    const error = await outcome(testsOf(fault).get(title));
    expect(error).toBeInstanceOf(ContractBrokenError);
    expect(error).toMatchObject({
      message:
        'the emitted values: expected [[{"revision":2},"(undefined)",{"revision":1},{"revision":2}]], but got [[{"revision":2},{"revision":1},"(undefined)",{"revision":2}]]',
    });
  });
});
