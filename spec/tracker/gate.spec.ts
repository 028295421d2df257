import { describe, expect, it } from "vitest";
import { Gate } from "../../src/tracker/gate.js";

/** A gate, and what was done at it, in order. */
function gate() {
  const seen: string[] = [];
  const gate = new Gate<string>();
  const pass = (name: string) => gate.pass((value) => seen.push(`${name} ${value}`));
  const wait = (name: string, until: "opened$" | "passed$" = "passed$") =>
    gate[until].subscribe({
      next: (value) => seen.push(`${name} goes on ${value}`),
      error: (error: unknown) => seen.push(`${name} fails: ${String(error)}`),
    });
  const open = (value: string) => {
    gate.open(value);
    gate.release(value);
  };
  return { gate, seen, pass, wait, open };
}

describe("Gate", () => {
  it("lets everything through while it is open", () => {
    const { seen, pass, wait, open } = gate();
    open("now");
    pass("step");
    wait("lookup");
    expect(seen).toEqual(["step now", "lookup goes on now"]);
  });

  it("holds everything up while it is closed, and does what was given before anybody goes on who waits", () => {
    const { seen, pass, wait, open } = gate();
    wait("early");
    pass("first");
    wait("late");
    pass("second");
    expect(seen).toEqual([]);
    open("now");
    expect(seen).toEqual(["first now", "second now", "early goes on now", "late goes on now"]);
  });

  it("holds up who comes from inside an action that was given, until the rest is done", () => {
    const { gate: it, seen, pass, wait, open } = gate();
    it.pass(() => {
      wait("lookup");
      pass("third");
    });
    pass("second");
    open("now");
    expect(seen).toEqual(["second now", "third now", "lookup goes on now"]);
  });

  it("holds up what was given after an action that closed it again", () => {
    const { gate: it, seen, pass, wait, open } = gate();
    it.pass(() => it.close());
    pass("second");
    wait("lookup");
    open("first time");
    expect(seen).toEqual([]);
    open("second time");
    expect(seen).toEqual(["second second time", "lookup goes on second time"]);
  });

  it("lets those go on once it has opened who need not see the end of what was given, after what could be done", () => {
    const { gate: it, seen, pass, wait, open } = gate();
    wait("track", "passed$");
    wait("lookup", "opened$");
    pass("first");
    it.pass(() => it.close());
    pass("second");
    open("first time");
    expect(seen).toEqual(["first first time", "lookup goes on first time"]);
    wait("late lookup", "opened$");
    open("second time");
    expect(seen.slice(2)).toEqual([
      "second second time",
      "track goes on second time",
      "late lookup goes on second time",
    ]);
  });

  it("can be closed after it was open", () => {
    const { gate: it, seen, wait, open } = gate();
    open("first time");
    it.close();
    wait("lookup");
    expect(seen).toEqual([]);
    open("second time");
    expect(seen).toEqual(["lookup goes on second time"]);
  });

  it("forgets who unsubscribes", () => {
    const { seen, wait, open } = gate();
    wait("lookup").unsubscribe();
    open("now");
    expect(seen).toEqual([]);
  });

  it("fails those who wait, forgets what was given, and can be opened later", () => {
    const { gate: it, seen, pass, wait, open } = gate();
    pass("step");
    wait("lookup");
    it.fail("not ours");
    wait("later");
    open("now");
    expect(seen).toEqual(["lookup fails: not ours", "later goes on now"]);
  });
});
