// npm run bench: the built package side by side with the module that most web clients use today. Prints Markdown, and writes bench/results.json.
import { readFileSync, writeFileSync } from "node:fs";
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
import { bytes, heading, milliseconds, ratio, ratioOf, table, task } from "./table.mjs";

const versionIn = (folder) =>
  JSON.parse(readFileSync(new URL(`../${folder}package.json`, import.meta.url), "utf8")).version;
const progress = (what) => process.stderr.write(`${what} …\n`);

progress("making signed devices");
const crowd = makeAccounts(10_000, 5);
const accounts = crowd.slice(0, 1_000);
await loadPeer();
progress(globalThis.gc === undefined ? "memory is left out: it needs node --expose-gc" : "memory");
const held = await memory(accounts);
progress("checking that both find the same devices");
await checkSameDevices(accounts);

progress("lookups");
const timed = await lookup(accounts);
progress("taking in answers");
timed.push(...(await keyQuery(accounts)));
progress("a user with thousands of devices");
const hostile = await hostileUser(accounts.slice(0, 249));
progress("sync steps");
const { rows: steps, growth } = await syncStep();
progress("start-up");
const started = await startUp();
progress("restarts"); // after all others: it adds IndexedDB to the process
timed.push(...(await restart(accounts)), ...steps, ...started);
const browser = await inChromium(accounts, crowd, progress);
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

const compared = (title, rows) => {
  heading(title);
  table([
    ["", "ours", "peer", "peer ÷ ours", ""],
    ...rows.map((row) => [row.name, milliseconds(row.ours), milliseconds(row.peer), ratio(row.ratio), row.note ?? ""]),
  ]);
};
compared("Time in Chromium, with IndexedDB: 1,000 users with 5 devices each", browser.rows);
compared("Time in Node, in memory", timed);

heading("Encrypted rooms, in Chromium with IndexedDB");
table([["", "time"], ...browser.figures.map((row) => [row.name, milliseconds(row.ours)])]);

heading("The longest task of the page, in ms");
table([
  ["", "as it is", "with a processor 4 times slower"],
  ...browser.tasks.map(({ name, longest, throttled }) => [name, task(longest), task(throttled)]),
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

const results = { date: today, chromium: browser, node: timed, hostile, growth, size: [...held, ...downloaded] };
writeFileSync(new URL("./results.json", import.meta.url), `${JSON.stringify(results, undefined, 2)}\n`);
