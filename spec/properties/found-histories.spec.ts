import { describe, it } from "vitest";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";
import { FOUND_HISTORIES } from "./found-histories.js";
import { World } from "./world.js";

const SETUP = {
  tabs: 1,
  storeTakes: 0,
  verifierTakes: [0],
  signed: "no",
  maxUsersPerQuery: 250,
  maxConcurrentQueries: 3,
  maxListsInMemory: 10_000,
  tellsChanges: "at once",
  settled: true,
  asksInsideChanges: false,
} as const;

describe("every promise holds where", () => {
  const takeUnhandled = collectUnhandledErrors();

  it.each(FOUND_HISTORIES)("$title", ({ setup, commands }) => {
    new World({ ...SETUP, ...setup }, takeUnhandled).run(commands);
    new World({ ...SETUP, signed: "anew", verifierTakes: [1, 0], ...setup }, takeUnhandled).run(commands);
  });
});
