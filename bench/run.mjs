// npm run bench: the built package side by side with the module that most web clients use today. Prints Markdown.
import { readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { makeAccounts } from "./accounts.mjs";
import { inChromium } from "./chromium.mjs";
import { download } from "./download.mjs";
import { hostileUser } from "./hostile-user.mjs";
import { keyQuery } from "./key-query.mjs";
import { lookup } from "./lookup.mjs";
import { memory } from "./memory.mjs";
import { loadPeer } from "./peer.mjs";
import { restart } from "./restart.mjs";
import { checkSameDevices } from "./same-devices.mjs";
import { startUp } from "./start-up.mjs";
import { syncStep } from "./sync-step.mjs";
import { bytes, heading, milliseconds, ratio, ratioOf, table } from "./table.mjs";

const versionIn = (folder) =>
  JSON.parse(readFileSync(new URL(`../${folder}package.json`, import.meta.url), "utf8")).version;
const progress = (what) => process.stderr.write(`${what} …\n`);

progress("making signed devices");
const accounts = makeAccounts(2_000);
const room = accounts.slice(0, 1_000);
await loadPeer();
progress(globalThis.gc === undefined ? "memory is left out: it needs node --expose-gc" : "memory");
const held = await memory(accounts);
progress("checking that both find the same devices");
await checkSameDevices(room);

progress("lookups");
const timed = await lookup(room);
progress("key queries");
timed.push(...(await keyQuery(accounts.slice(0, 250))));
progress("a user with thousands of devices");
const hostile = await hostileUser(accounts.slice(0, 249));
progress("sync steps");
const { rows: steps, growth } = await syncStep();
progress("start-up");
const started = await startUp();
progress("restarts"); // after all others: it adds IndexedDB to the process
timed.push(...(await restart(room)), ...steps, ...started);
const browser = await inChromium(makeAccounts(1_000, 5), progress);
progress("bundles");
const downloaded = await download();

const today = new Date().toISOString().slice(0, 10);
console.log(
  `matrix-device-tracker ${versionIn("")} and @matrix-org/matrix-sdk-crypto-wasm ${versionIn("node_modules/@matrix-org/matrix-sdk-crypto-wasm/")}, ${today}`,
);
console.log(
  `Node ${process.versions.node}, ${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
);
console.log(
  "Medians of interleaved rounds, with the quartiles in brackets. A ratio above 1 means that ours is faster or smaller.",
);

heading("Time");
table([
  ["", "ours", "peer", "peer ÷ ours", ""],
  ...timed.map((row) => [row.name, milliseconds(row.ours), milliseconds(row.peer), ratio(row.ratio), row.note]),
]);

heading("Time in Chromium, with IndexedDB: 1000 users with 5 devices each");
table([
  ["", "ours", "peer", "peer ÷ ours"],
  ...browser.map((row) => [row.name, milliseconds(row.ours), milliseconds(row.peer), ratio(row.ratio)]),
]);

heading("What a user with thousands of devices costs the others");
table([
  ["", "with that user", "without", "without ÷ with"],
  ...hostile.map((row) => [row.name, milliseconds(row.ours), milliseconds(row.peer), ratio(row.ratio)]),
]);

heading("Growth with the number of tracked users");
table([["", "ours", "peer"], ...growth.map((row) => [row.name, ratio(row.ours), ratio(row.peer)])]);

heading("Size");
table([
  ["", "ours", "peer", "peer ÷ ours", ""],
  ...[...held, ...downloaded].map((row) => [
    row.name,
    bytes(row.ours),
    bytes(row.peer),
    ratioOf(row.peer, row.ours),
    row.note,
  ]),
]);
