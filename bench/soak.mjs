// npm run soak: an hour of traffic for 50,000 users, without waiting in between. Memory must not grow, and the log must stay bounded.
import { createHash } from "node:crypto";
import { memoryStore } from "matrix-device-tracker";
import { lastValueFrom, of } from "rxjs";
import { makeAccount } from "./accounts.mjs";
import { answerFor, userName } from "./answers.mjs";
import { getLists, makeTracker, track } from "./ours.mjs";

const USERS = 50_000;
const SECONDS = Number(process.env.SOAK_SECONDS ?? 3_600);
/** One response of /sync per second. */
const CHANGED_PER_SYNC = 10;
const LEFT_PER_SYNC = 2;
/** Users of the room to which a message is sent, each second. */
const ROOM = 200;
/** A page load, in seconds. */
const LIFE = 600;
/** How much more memory the end may have than the middle. */
const TOLERANCE = 0.05;
/** Any well-formed signature: the verifier of this run accepts all, as signing 100,000 devices would take longer. */
const [signed] = Object.values(makeAccount("@a:b.example", 1).devices);
const [signature] = Object.values(signed.signatures["@a:b.example"]);
const verifier = { verify: (checks) => of(checks.map(() => true)) };

if (globalThis.gc === undefined) throw new Error("run it with node --expose-gc");

const ids = Array.from({ length: USERS }, (_, i) => userName(i));
const keyOf = (...parts) => {
  const bytes = createHash("sha256").update(parts.join()).digest();
  bytes[31] &= 0x3f;
  return bytes.toString("base64").replace("=", "");
};

/** A user has one device or two, in turn. */
function accountOf(userId, form) {
  const devices = Array.from({ length: 1 + (form % 2) }, (_, i) => {
    const id = `DEVICE${i}`;
    return {
      algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
      device_id: id,
      keys: { [`curve25519:${id}`]: keyOf(userId, i, "curve25519"), [`ed25519:${id}`]: keyOf(userId, i, "ed25519") },
      signatures: { [userId]: { [`ed25519:${id}`]: signature } },
      user_id: userId,
    };
  });
  return { userId, devices: Object.fromEntries(devices.map((device) => [device.device_id, device])) };
}

let seed = 1;
/** A number below `limit`: Lehmer's generator, so that every run is the same. */
const random = (limit) => (seed = (seed * 48_271) % 2_147_483_647) % limit;

const forms = new Map();
const answer = (userIds) => answerFor(userIds.map((userId) => accountOf(userId, forms.get(userId) ?? 0)));
const store = memoryStore();
const life = async () => {
  const made = makeTracker(answer, store, { verifier });
  await track(made.tracker, ids);
  return made;
};
const recordsOf = (kind) => lastValueFrom(store.readKinds([kind])).then(([records]) => records.size);

async function heap() {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}

const samples = [];
let most = { log: 0, snapshot: 0, index: 0 };
let made = await life();
let token = 0;
const started = performance.now();
for (let second = 1; second <= SECONDS; second++) {
  const changed = Array.from({ length: CHANGED_PER_SYNC }, () => ids[random(USERS)]);
  const left = Array.from({ length: LEFT_PER_SYNC }, () => ids[random(USERS)]).filter((id) => !changed.includes(id));
  for (const userId of changed) forms.set(userId, (forms.get(userId) ?? 0) + 1);
  made.sync$.next({
    since: token === 0 ? null : `t${token}`,
    next_batch: `t${++token}`,
    device_lists: { changed, left },
  });
  const first = random(USERS - ROOM);
  await getLists(made.tracker, ids.slice(first, first + ROOM));
  await track(made.tracker, left);
  if (second % LIFE === 0) {
    made.stop();
    made = await life();
    made.sync$.next({ since: `t${token}`, next_batch: `t${token}` });
  }
  if (second % 60 !== 0 && second !== SECONDS) continue;
  most = {
    log: Math.max(most.log, await recordsOf("log")),
    snapshot: Math.max(most.snapshot, await recordsOf("snapshot")),
    index: Math.max(most.index, await recordsOf("index")),
  };
  samples.push(await heap());
  process.stderr.write(`${second} s: ${(samples.at(-1) / 1e6).toFixed(1)} MB, ${JSON.stringify(most)}\n`);
}
made.stop();

const middle = samples[Math.floor(samples.length / 2)];
const end = samples.at(-1);
const growth = end / middle - 1;
console.log(
  `${SECONDS} s of traffic for ${USERS} users in ${((performance.now() - started) / 1_000).toFixed(0)} s: ` +
    `${(middle / 1e6).toFixed(1)} MB in the middle, ${(end / 1e6).toFixed(1)} MB at the end (${(100 * growth).toFixed(1)} %); ` +
    `at most ${most.log} records of the log, ${most.snapshot} of the snapshot, ${most.index} of the index`,
);
if (growth > TOLERANCE) throw new Error(`memory grew by more than ${100 * TOLERANCE} %`);
if (most.log > 2_000) throw new Error("the log is not bounded");
