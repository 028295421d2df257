import { describe, expect, it } from "vitest";
import { playTrace } from "./play-trace.js";

/*
 * What two tabs over one store do was checked in a model of the protocol, exhaustively in a small scope: so many changes, look-ups, crashes, lost messages, take-overs and calls
 * of track(). Where one of its rules is left out, the model prints how a promise is broken. Here these traces are played with two trackers, which break none.
 */
type Trace = readonly [scope: string, trace: string];

/** A step's token is saved, and its changes are not. */
const tokenAlone: readonly Trace[] = [
  [
    "the shortest",
    `
    U changes; 0 syncs 0 to 1; 0 receives; 0 commits 0 to 1
  `,
  ],
  [
    "2 changes, 1 look-up, a crash, a loss, a take-over",
    `
    1 crashes; 0 reads V0; somebody else changes; 0 syncs 0 to 1; 0, frozen, loses its messages; U changes; 0 syncs 1 to 2; 0 receives; 0 commits 1 to 2
  `,
  ],
  [
    "2 changes, 1 look-up, a crash, a loss, a take-over, a track()",
    `
    1 crashes; 0 reads V0; 0 tracks somebody else; somebody else changes; 0 syncs 0 to 1; 0, frozen, loses its messages; U changes; 0 syncs 1 to 2;
    0 receives; 0 commits 1 to 2
  `,
  ],
  [
    "2 changes, 2 look-ups, a crash, a loss, a take-over",
    `
    1 crashes; 0 reads V0; 0 reads V0; somebody else changes; 0 syncs 0 to 1; 0, frozen, loses its messages; U changes; 0 syncs 1 to 2; 0 receives;
    0 commits 1 to 2
  `,
  ],
  [
    "3 changes, 1 look-up, a loss, a track()",
    `
    0 reads V0; 0 tracks somebody else; somebody else changes; 0 syncs 0 to 1; 1, frozen, loses its messages; 0 receives; 0 commits 0 to 1;
    somebody else changes; 0 syncs 1 to 2; 1 receives; 1 commits 1 to 2; 0 receives; 0 commits 1 to 2; U changes; 0 syncs 2 to 3; 1 receives;
    1 commits 2 to 3
  `,
  ],
  [
    "3 changes, 1 look-up, a crash, a loss, a take-over",
    `
    1 crashes; 0 reads V0; somebody else changes; 0 syncs 0 to 1; 0, frozen, loses its messages; somebody else changes; 0 syncs 1 to 2; 0 receives;
    0 commits 1 to 2; U changes; 0 syncs 2 to 3; 0 receives; 0 commits 2 to 3
  `,
  ],
  [
    "3 changes, 2 look-ups",
    `
    0 reads V0; 0 reads V0; somebody else changes; 0 syncs 0 to 1; 1 receives; 1 commits 0 to 1; 0 receives; 0 commits 0 to 1; somebody else changes;
    0 syncs 1 to 2; 1 receives; 1 commits 1 to 2; 0 receives; 0 commits 1 to 2; U changes; 0 syncs 2 to 3; 1 receives; 1 commits 2 to 3
  `,
  ],
  [
    "3 changes, 2 look-ups, a take-over",
    `
    0 reads V0; 0 reads V0; 0 is frozen, its lock is taken; 1 begins to sync; somebody else changes; 1 syncs 0 to 1; 1 receives; 1 commits 0 to 1;
    0 receives; 0 commits 0 to 1; 0, deposed, syncs 0 to 1; 1 receives; 0 receives; somebody else changes; 1 syncs 1 to 2; 1 receives; 1 commits 1 to 2;
    0 receives; 0 commits 1 to 2; U changes; 1 syncs 2 to 3; 1 receives; 1 commits 2 to 3
  `,
  ],
  [
    "3 changes, 2 look-ups, a loss",
    `
    0 reads V0; 0 reads V0; somebody else changes; 0 syncs 0 to 1; 1, frozen, loses its messages; 0 receives; 0 commits 0 to 1; somebody else changes;
    0 syncs 1 to 2; 1 receives; 1 commits 1 to 2; 0 receives; 0 commits 1 to 2; U changes; 0 syncs 2 to 3; 1 receives; 1 commits 2 to 3
  `,
  ],
  [
    "3 changes, 2 look-ups, a loss, a take-over",
    `
    0 reads V0; 0 reads V0; 0 is frozen, its lock is taken; 1 begins to sync; somebody else changes; 1 syncs 0 to 1; 1, frozen, loses its messages;
    0 receives; 0 commits 0 to 1; 0, deposed, syncs 0 to 1; 1 receives; 1 commits 0 to 1; 0 receives; somebody else changes; 1 syncs 1 to 2; 1 receives;
    1 commits 1 to 2; 0 receives; 0 commits 1 to 2; U changes; 1 syncs 2 to 3; 1 receives; 1 commits 2 to 3
  `,
  ],
  [
    "3 changes, 2 look-ups, a crash",
    `
    1 crashes; 0 reads V0; 0 reads V0; somebody else changes; 0 syncs 0 to 1; 0 receives; 0 commits 0 to 1; somebody else changes; 0 syncs 1 to 2;
    0 receives; 0 commits 1 to 2; U changes; 0 syncs 2 to 3; 0 receives; 0 commits 2 to 3
  `,
  ],
  [
    "3 changes, 2 look-ups, a crash, a loss, a take-over, a track()",
    `
    1 crashes; 0 reads V0; 0 reads V0; 0 tracks somebody else; somebody else changes; 0 syncs 0 to 1; 0, frozen, loses its messages; somebody else changes;
    0 syncs 1 to 2; 0 receives; 0 commits 1 to 2; U changes; 0 syncs 2 to 3; 0 receives; 0 commits 2 to 3
  `,
  ],
];

/** A list is saved whatever has changed since it was asked for. */
const withoutComparing: readonly Trace[] = [
  [
    "the shortest",
    `
    U changes; 0 syncs 0 to 1; 0 receives; 0 commits 0 to 1; 1 asks and is seen at V1; U changes; 0 syncs 1 to 2; 0 receives; 0 commits 1 to 2;
    1 is answered V1
  `,
  ],
  [
    "3 changes, 1 look-up, a loss, a track()",
    `
    0 tracks somebody else; somebody else changes; 0 syncs 0 to 1; 1, frozen, loses its messages; 0 receives; 0 commits 0 to 1; U changes; 0 syncs 1 to 2;
    1 receives; 1 asks; 1 commits 1 to 2; the server sees 1's query at V2; 0 receives; 0 commits 1 to 2; U changes; 0 syncs 2 to 3; 0 receives;
    0 commits 2 to 3; 1 is answered V2
  `,
  ],
  [
    "3 changes, 2 look-ups",
    `
    0 reads V0; somebody else changes; 0 syncs 0 to 1; 1 receives; 1 commits 0 to 1; 0 receives; 0 commits 0 to 1; U changes; 0 syncs 1 to 2; 1 receives;
    1 asks; 1 commits 1 to 2; the server sees 1's query at V2; 0 receives; 0 commits 1 to 2; U changes; 0 syncs 2 to 3; 0 receives; 0 commits 2 to 3;
    1 is answered V2
  `,
  ],
  [
    "3 changes, 2 look-ups, a take-over",
    `
    0 reads V0; 0 is frozen, its lock is taken; 1 begins to sync; somebody else changes; 1 syncs 0 to 1; 1 receives; 1 commits 0 to 1; 0 receives;
    0 commits 0 to 1; 0, deposed, syncs 0 to 1; 1 receives; 0 receives; U changes; 1 syncs 1 to 2; 1 receives; 1 asks; 1 commits 1 to 2;
    the server sees 1's query at V2; 0 receives; 0 commits 1 to 2; U changes; 1 syncs 2 to 3; 0 receives; 0 commits 2 to 3; 1 is answered V2
  `,
  ],
  [
    "3 changes, 2 look-ups, a loss",
    `
    0 reads V0; somebody else changes; 0 syncs 0 to 1; 1, frozen, loses its messages; 0 receives; 0 commits 0 to 1; U changes; 0 syncs 1 to 2; 1 receives;
    1 asks; 1 commits 1 to 2; the server sees 1's query at V2; 0 receives; 0 commits 1 to 2; U changes; 0 syncs 2 to 3; 0 receives; 0 commits 2 to 3;
    1 is answered V2
  `,
  ],
];

/** A step is applied though steps before it are missing. */
const trustingAfterGaps: readonly Trace[] = [
  [
    "the shortest",
    `
    U changes; 0 syncs 0 to 1; somebody else changes; 0, frozen, loses its messages; 0 syncs 1 to 2; 0 receives; 0 commits 1 to 2
  `,
  ],
  [
    "2 changes, 1 look-up, a crash, a loss, a take-over",
    `
    1 crashes; 0 reads V0; U changes; 0 syncs 0 to 1; 0, frozen, loses its messages; somebody else changes; 0 syncs 1 to 2; 0 receives; 0 commits 1 to 2
  `,
  ],
  [
    "2 changes, 2 look-ups, a crash, a loss, a take-over",
    `
    1 crashes; 0 reads V0; 0 reads V0; U changes; 0 syncs 0 to 1; 0, frozen, loses its messages; somebody else changes; 0 syncs 1 to 2; 0 receives;
    0 commits 1 to 2
  `,
  ],
  [
    "3 changes, 1 look-up, a loss, a track()",
    `
    0 reads V0; 0 tracks somebody else; somebody else changes; 0 syncs 0 to 1; 1 receives; 1 commits 0 to 1; 0 receives; 0 commits 0 to 1; U changes;
    0 syncs 1 to 2; 1, frozen, loses its messages; 0 receives; somebody else changes; 0 syncs 2 to 3; 1 receives; 1 commits 2 to 3
  `,
  ],
  [
    "3 changes, 1 look-up, a crash, a loss, a take-over",
    `
    1 crashes; 0 reads V0; somebody else changes; 0 syncs 0 to 1; 0 receives; 0 commits 0 to 1; U changes; 0 syncs 1 to 2; 0, frozen, loses its messages;
    somebody else changes; 0 syncs 2 to 3; 0 receives; 0 commits 2 to 3
  `,
  ],
  [
    "3 changes, 2 look-ups, a loss",
    `
    0 reads V0; 0 reads V0; somebody else changes; 0 syncs 0 to 1; 1 receives; 1 commits 0 to 1; 0 receives; 0 commits 0 to 1; U changes; 0 syncs 1 to 2;
    1, frozen, loses its messages; 0 receives; somebody else changes; 0 syncs 2 to 3; 1 receives; 1 commits 2 to 3
  `,
  ],
  [
    "3 changes, 2 look-ups, a loss, a take-over",
    `
    0 reads V0; 0 reads V0; 0 is frozen, its lock is taken; 1 begins to sync; somebody else changes; 1 syncs 0 to 1; 1 receives; 1 commits 0 to 1;
    0 receives; 0 commits 0 to 1; 0, deposed, syncs 0 to 1; 1 receives; 1 commits 0 to 1; 0 receives; 0 commits 0 to 1; U changes; 1 syncs 1 to 2;
    1, frozen, loses its messages; 0 receives; somebody else changes; 1 syncs 2 to 3; 1 receives; 1 commits 2 to 3
  `,
  ],
];

describe("changes are saved in one transaction with the token that they lead to", () => {
  it.each(tokenAlone)("in the trace of %s", (_, trace) => {
    expect(playTrace(trace).broken).toEqual([]);
  });
});

describe("a list is saved only where nothing has changed since it was asked for, in either tab", () => {
  it.each(withoutComparing)("in the trace of %s", (_, trace) => {
    expect(playTrace(trace).broken).toEqual([]);
  });
});

describe("the changes of missing steps are learned before anything is called current", () => {
  it.each(trustingAfterGaps)("in the trace of %s", (_, trace) => {
    expect(playTrace(trace).broken).toEqual([]);
  });
});

/* The model keeps these with either rule: the one loop that all tabs share gives no steps that would break them. */
describe("two tabs that sync apart, as in a browser without Web Locks", () => {
  it("save no list that one asked for at a step which was committed after steps of the other", () => {
    const trace = `
      U changes; 0 is given 0 to 1; 0 asks and is seen at V1;
      U changes; 1 is given 0 to 2; 1 commits 0 to 2;
      0 commits 0 to 1; 0 is answered V1;
      somebody else changes; 1 is given 2 to 3; 1 commits 2 to 3
    `;
    expect(playTrace(trace).broken).toEqual([]);
  });

  it("nor one asked for at a later step of that one, which had been applied by then and finds the store where it left it", () => {
    const trace = `
      somebody else changes; U changes; 0 is given 0 to 1; 0 is given 1 to 2; 0 asks and is seen at V2;
      U changes; 1 is given 0 to 3; 1 commits 0 to 3;
      0 commits 0 to 1; 0 commits 1 to 2; 0 is answered V2;
      somebody else changes; 1 is given 3 to 4; 1 commits 3 to 4
    `;
    expect(playTrace(trace).broken).toEqual([]);
  });
});

/* Without these rules nothing is broken, but the server is asked again. */
describe("one query is enough for a change", () => {
  it("where the other tab commits the step after the list has been fetched: it is not committed again", () => {
    const trace = `
      U changes; 0 syncs 0 to 1; 0 receives; 0 commits 0 to 1; 0 asks and is seen at V1; 0 is answered V1;
      1 receives; 1 commits 0 to 1; 1 reads V1; 0 reads V1
    `;
    expect(playTrace(trace)).toEqual({ broken: [], queries: 1, ranges: [] });
  });

  it("where the other tab missed the step and takes over: it syncs from the saved token, not from the one that it stands on", () => {
    const trace = `
      U changes; 0 syncs 0 to 1; 0 receives; 0 commits 0 to 1; 0 asks and is seen at V1; 0 is answered V1;
      1, frozen, loses its messages; 0 crashes; 1 begins to sync;
      somebody else changes; 1 syncs 1 to 2; 1 receives; 1 commits 1 to 2; 1 reads V1
    `;
    expect(playTrace(trace)).toEqual({ broken: [], queries: 1, ranges: [] });
  });
});
