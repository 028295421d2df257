import { expect, it } from "vitest";
import { machineUserIds } from "../../src/olm-machine/machine-user-ids.js";
import { ALICE, BOB } from "../support/users.js";

/** User IDs of a module in WebAssembly. */
class HandledId {
  static readonly freed: string[] = [];
  constructor(readonly name: string) {
    if (!name.startsWith("@")) throw new Error("not a user ID");
  }
  free(): void {
    HandledId.freed.push(this.name);
  }
}

it("leaves out IDs that the machine's module refuses, and frees the handle of its own", () => {
  const machine = {
    get userId() {
      return new HandledId(ALICE);
    },
  };
  expect(machineUserIds(machine, [BOB, "bob"])).toEqual([new HandledId(BOB)]);
  expect(HandledId.freed).toEqual([ALICE]);
});
