import { describe, it } from "vitest";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";
import type { Setup } from "./history.js";
import { KNOWN_HISTORIES } from "./known-histories.js";
import { World } from "./world.js";

const SETUP: Setup = {
  tabs: 1,
  sync: "in one tab",
  starts: "settled",
  delays: [5],
  storeOpensAfter: 0,
  announceAfter: 0,
  repeatsTokens: false,
  ignoresTo: false,
  saysSince: true,
  gaps: "ask",
  maxUsersPerQuery: 250,
  maxConcurrentQueries: 3,
  maxListsInMemory: 10_000,
  asksInside: false,
  watches: false,
  takesNotes: false,
};

/** Synchronous ports, slow ones, and some that overtake each other. */
const DELAYS = [
  [0],
  [5],
  [1, 0],
  [8, 0],
  [1, 3, 20, 0],
  [20, 0, 8, 0, 20, 3, 1, 3],
  [3, 0, 3],
  [3, 0, 8, 20],
  [1, 1, 1, 20],
];

describe("every promise holds if", () => {
  const takeUnhandled = collectUnhandledErrors();

  it.each(KNOWN_HISTORIES)("$title", ({ setup, events }) => {
    for (const delays of DELAYS) {
      const history = { setup: { ...SETUP, ...setup, delays }, events };
      new World(history.setup, takeUnhandled, true).run(history);
    }
  });
});
