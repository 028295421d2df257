import type { UserId } from "../../src/model/ids.js";
import type { DeviceChanges, Freshness } from "../../src/model/results.js";
import { ALICE, BOB, CAROL, DAVE } from "./recording.js";

/** What a lookup must return for one user. */
export interface Expected {
  readonly devices: readonly string[];
  readonly master?: string;
  readonly selfSigning?: string;
  readonly freshness: Freshness;
}
/** What must follow from one exchange. */
export interface Step {
  readonly after: string;
  readonly tracked: readonly UserId[];
  readonly changes?: DeviceChanges;
  readonly asked?: readonly UserId[];
  readonly result?: Readonly<Record<UserId, Expected>>;
}

const BOBS_FIRST = {
  master: "EGuPaYafHD4OofunekcrPs8fytBCKM1IBj4Z9OH/FOY",
  selfSigning: "AM8WeV8470WxkKjriVnTUEcfcYLsorlYO0RY4DgYWcQ",
};
const BOBS_SECOND = {
  master: "ki1mhi11A/pdfRZxLbruOI6PcaQ4D/ra/B6JK5fjUkU",
  selfSigning: "c+06PiyitlE4L73TNtkmLrDDsg4fd5QUE0rxEpgiRWo",
};
const changed = (...users: readonly UserId[]): DeviceChanges => ({ changed: users, left: [] });

/** What must follow from each exchange of the recording. */
export const STEPS: readonly Step[] = [
  // An initial sync names no user, not even Bob, with whom we share a room. It outdates our own list.
  { after: "bob joins", tracked: [ALICE], changes: changed(ALICE) },
  { after: "keys/upload BOB2", tracked: [ALICE, BOB], changes: changed(BOB) },
  {
    after: "alice /sync: device_lists.changed has bob",
    tracked: [ALICE, BOB],
    asked: [BOB],
    result: { [BOB]: { devices: ["BOB1", "BOB2"], freshness: "current" } },
  },
  { after: "keys/query: BOB2 as uploaded", tracked: [ALICE, BOB] },
  { after: "cross-signing: first upload needs no UIA", tracked: [ALICE, BOB], changes: changed(BOB) },
  { after: "keys/signatures/upload: a bad signature lands in failures", tracked: [ALICE, BOB], changes: changed(BOB) },
  {
    after: "keys/signatures/upload: a bad signature lands in failures",
    tracked: [ALICE, BOB],
    asked: [BOB],
    result: { [BOB]: { devices: ["BOB1", "BOB2"], ...BOBS_FIRST, freshness: "current" } },
  },
  {
    after: "cross-signing: UIA with the password replaces (identity reset)",
    tracked: [ALICE, BOB],
    changes: changed(BOB),
  },
  { after: "BOB2 logs out", tracked: [ALICE, BOB], changes: changed(BOB) },
  {
    after: "BOB2 logs out",
    tracked: [ALICE, BOB],
    asked: [BOB],
    result: { [BOB]: { devices: ["BOB1"], ...BOBS_SECOND, freshness: "current" } },
  },
  { after: "carol@hs2 joins over federation", tracked: [ALICE, BOB, CAROL], changes: changed(CAROL) },
  {
    after: "alice /sync: changed has carol (new shared room)",
    tracked: [ALICE, BOB, CAROL],
    asked: [CAROL],
    result: { [CAROL]: { devices: ["CAROL1"], freshness: "current" } },
  },
  { after: "keys/query: carol over federation", tracked: [ALICE, BOB, CAROL], changes: changed(CAROL) },
  {
    after: "alice /sync: changed has carol (m.device_list_update EDU)",
    tracked: [ALICE, BOB, CAROL],
    asked: [CAROL, DAVE],
    result: {
      [CAROL]: { devices: ["CAROL1", "CAROL2"], freshness: "current" },
      [DAVE]: { devices: ["DAVE1"], freshness: "untracked" },
    },
  },
  // The response names Dave's server in `failures`. Bob is cached and not queried.
  {
    after: "keys/query: carol 2 devices, dave (no shared room) too",
    tracked: [ALICE, BOB, CAROL],
    asked: [DAVE],
    result: {
      [DAVE]: { devices: [], freshness: "unreachable" },
      [BOB]: { devices: ["BOB1"], ...BOBS_SECOND, freshness: "current" },
    },
  },
  // Carol's server is down, and her list is cached.
  {
    after: "hs2 down, keys/query dave + bob: failures names hs2, bob is still there",
    tracked: [ALICE, BOB, CAROL],
    asked: [],
    result: { [CAROL]: { devices: ["CAROL1", "CAROL2"], freshness: "current" } },
  },
  // Dave's server is down as well, but ours answers with what it knows of him.
  {
    after: "hs2 down, keys/claim: failures names hs2",
    tracked: [ALICE, BOB, CAROL],
    asked: [DAVE],
    result: { [DAVE]: { devices: ["DAVE1"], freshness: "untracked" } },
  },
  { after: "bob leaves", tracked: [ALICE, CAROL], changes: { changed: [CAROL], left: [BOB] } },
];
