import { describe, expect, it } from "vitest";
import { initialUsers } from "../../src/store/tracked-users.js";
import { Tracking } from "../../src/sync/tracking.js";
import { Doubt } from "../../src/tracker/doubt.js";
import { EmissionQueue } from "../../src/tracker/emission-queue.js";
import { Gate } from "../../src/tracker/gate.js";
import { ALICE } from "../support/users.js";

/** A doubt over an open gate, and what happens: lookups that pass, and changes of the doubt. */
function doubtInTest() {
  const gate = new Gate();
  const tracking = new Tracking(initialUsers(ALICE).users);
  const doubt = new Doubt(gate, tracking, new EmissionQueue());
  const seen: string[] = [];
  tracking.doubtChanges$.subscribe(() => seen.push(tracking.inDoubt ? "in doubt" : "sure"));
  const lookUp = () => gate.opened$.subscribe(() => seen.push(`lookup${tracking.inDoubt ? " in doubt" : ""}`));
  gate.open();
  return { doubt, seen, lookUp };
}

describe("a doubt", () => {
  it("holds lookups up while a gap is open, and ends before they go on", () => {
    const { doubt, seen, lookUp } = doubtInTest();
    doubt.openGap();
    lookUp();
    expect(seen).toEqual(["in doubt"]);
    doubt.closeGap();
    expect(seen).toEqual(["in doubt", "sure", "lookup"]);
  });

  it("lasts until the gap is closed and memory is not behind the store", () => {
    const { doubt, seen, lookUp } = doubtInTest();
    doubt.openGap();
    doubt.setBehind(true);
    lookUp();
    doubt.closeGap();
    expect(seen).toEqual(["in doubt"]);
    doubt.setBehind(false);
    expect(seen).toEqual(["in doubt", "sure", "lookup"]);
  });

  it("does not hold lookups up for ever if the store cannot be read", () => {
    const { doubt, seen, lookUp } = doubtInTest();
    doubt.setBehind(true);
    lookUp();
    doubt.goOnInDoubt();
    expect(seen).toEqual(["in doubt", "lookup in doubt"]);
  });

  it("holds lookups up at a gap even if the store cannot be read: the gap will be closed", () => {
    const { doubt, seen, lookUp } = doubtInTest();
    doubt.openGap();
    doubt.setBehind(true);
    lookUp();
    doubt.goOnInDoubt();
    expect(seen).toEqual(["in doubt"]);
  });

  it("is emitted only when it changes", () => {
    const { doubt, seen } = doubtInTest();
    doubt.setBehind(false);
    doubt.setBehind(true);
    doubt.setBehind(true);
    doubt.openGap();
    expect(seen).toEqual(["in doubt"]);
  });
});
