import { describe, expect, it } from "vitest";
import { Revision } from "../../src/store/revision.js";
import { Emissions } from "../../src/tracker/emission-queue.js";
import { TrackedUsers } from "../../src/sync/tracked-users.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const nothing = { changed: [], left: [], everyone: false, token: "s1" };

function trackedUsers() {
  const seen: string[] = [];
  const emissions = new Emissions();
  const tracked = new TrackedUsers(ALICE, emissions, {
    supersede: ({ invalidated, left }) => seen.push(`supersede ${[...invalidated, ...left].join(" ")}`),
    sendWaiting: () => seen.push("send"),
  });
  tracked.invalidations$.subscribe(({ invalidated, left, announced }) =>
    seen.push(`tell ${[...invalidated, ...left].join(" ")}${announced ? "" : " (not announced)"}`),
  );
  tracked.set$.subscribe((users) => seen.push(`set of ${users.size}`));
  seen.length = 0;
  return { tracked, emissions, seen };
}

describe("TrackedUsers", () => {
  it("supersedes at once, and tells when it is the turn: the set, what may be sent, the invalidations", () => {
    const { tracked, emissions, seen } = trackedUsers();
    emissions.hold(() => {
      tracked.step({ ...nothing, changed: [BOB], revision: new Revision() }, []);
      seen.push("held");
      expect(tracked.get(BOB)?.outdated).toBe(true);
    });
    expect(seen).toEqual([`supersede ${BOB}`, "held", "set of 2", "send", `tell ${BOB}`]);
  });

  it("tells nobody of a step in which nothing happens, and stands on its token", () => {
    const { tracked, seen } = trackedUsers();
    tracked.step({ ...nothing, revision: new Revision() }, []);
    expect(seen).toEqual([]);
    expect(tracked.token).toBe("s1");
  });

  it("counts as invalidated whom it is told beyond the step, each once", () => {
    const { tracked, seen } = trackedUsers();
    tracked.track([BOB, CAROL], new Revision());
    seen.length = 0;
    tracked.step({ ...nothing, changed: [BOB], everyone: true, revision: new Revision() }, [BOB, CAROL]);
    expect(seen).toContain(`tell ${BOB} ${CAROL}`);
  });

  it("tells what track adds as not announced", () => {
    const { tracked, seen } = trackedUsers();
    tracked.track([BOB], new Revision());
    expect(seen).toEqual([`supersede ${BOB}`, "set of 2", "send", `tell ${BOB} (not announced)`]);
  });

  it("adopts for our own user that they are tracked, whatever the store says", () => {
    const { tracked } = trackedUsers();
    const from = new Revision(3);
    tracked.step({ ...nothing, changed: [ALICE], revision: from }, []);
    tracked.adopt(new Map([[ALICE, { from, saved: undefined }]]));
    expect(tracked.get(ALICE)).toMatchObject({ outdated: true, revision: { committed: 0 } });
  });

  it("keeps queries good that were sent at the revision which the store says", () => {
    const { tracked, seen } = trackedUsers();
    const from = new Revision();
    tracked.step({ ...nothing, changed: [BOB], revision: from }, []);
    from.committed = 4;
    seen.length = 0;
    tracked.adopt(new Map([[BOB, { from, saved: { revision: 4, outdated: true } }]]));
    expect(tracked.get(BOB)?.revision).toBe(from);
    expect(seen).toEqual([]);
    tracked.adopt(new Map([[BOB, { from, saved: { revision: 5, outdated: true } }]]));
    expect(tracked.get(BOB)?.revision).not.toBe(from);
    expect(seen).toEqual([`supersede ${BOB}`, "send", `tell ${BOB} (not announced)`]);
  });
});
