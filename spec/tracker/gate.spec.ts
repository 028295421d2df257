import { describe, expect, it } from "vitest";
import { Gate } from "../../src/tracker/gate.js";

/** A gate, and what has passed it, in order. */
function gateInTest() {
  const gate = new Gate();
  const seen: string[] = [];
  const pass = (name: string) => {
    gate.pass(() => seen.push(name));
  };
  const wait = (name: string) =>
    gate.opened$.subscribe({
      next: () => seen.push(name),
      error: (error: unknown) => seen.push(`${name} fails: ${String(error)}`),
    });
  const open = () => {
    gate.open();
    gate.release();
  };
  return { gate, seen, pass, wait, open };
}

describe("an open gate", () => {
  it("lets changes and lookups through at once", () => {
    const { seen, pass, wait, open } = gateInTest();
    open();
    pass("change");
    wait("lookup");
    expect(seen).toEqual(["change", "lookup"]);
  });
});

describe("a closed gate", () => {
  it("runs waiting changes in order when it opens, then releases lookups", () => {
    const { seen, pass, wait, open } = gateInTest();
    wait("early lookup");
    pass("first");
    wait("late lookup");
    pass("second");
    expect(seen).toEqual([]);
    open();
    expect(seen).toEqual(["first", "second", "early lookup", "late lookup"]);
  });

  it("makes changes and lookups from inside a waiting change wait for the rest", () => {
    const { gate, seen, pass, wait, open } = gateInTest();
    gate.pass(() => {
      wait("lookup");
      pass("third");
    });
    pass("second");
    open();
    expect(seen).toEqual(["second", "third", "lookup"]);
  });

  it("keeps the changes after one that closes it again, but releases lookups", () => {
    const { gate, seen, pass, wait, open } = gateInTest();
    wait("lookup");
    pass("first");
    gate.pass(() => gate.close());
    pass("second");
    open();
    expect(seen).toEqual(["first", "lookup"]);
    wait("late lookup");
    pass("third");
    open();
    expect(seen).toEqual(["first", "lookup", "second", "third", "late lookup"]);
  });

  it("holds up lookups again after it was open", () => {
    const { gate, seen, wait, open } = gateInTest();
    open();
    gate.close();
    wait("lookup");
    expect(seen).toEqual([]);
    open();
    expect(seen).toEqual(["lookup"]);
  });

  it("does not release a lookup that was unsubscribed", () => {
    const { seen, wait, open } = gateInTest();
    wait("lookup").unsubscribe();
    open();
    expect(seen).toEqual([]);
  });
});

describe("a gate that fails", () => {
  it("fails waiting lookups, and forgets waiting changes", () => {
    const { gate, seen, pass, wait, open } = gateInTest();
    wait("lookup");
    pass("change");
    gate.fail("closed");
    open();
    expect(seen).toEqual(["lookup fails: closed"]);
  });

  it("can be used again", () => {
    const { gate, seen, wait, open } = gateInTest();
    gate.fail("closed");
    wait("lookup");
    open();
    expect(seen).toEqual(["lookup"]);
  });
});
