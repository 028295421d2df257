// The memory of a thousand tracked users, with and without their lists. It runs before anything else has used the WebAssembly memory.
import { userName } from "./answers.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** Users tracked without lists: enough to stand out from noise. */
const WITHOUT_LISTS = 50_000;

/** @param {readonly import("./answers.mjs").Account[]} accounts */
export async function memory(accounts) {
  if (globalThis.gc === undefined) return [];
  const userIds = Array.from({ length: WITHOUT_LISTS }, (_, i) => userName(i));
  const answer = ours.answersFrom(accounts);
  const perThousand = (bytes, users) => (bytes / users) * 1_000;
  const machines = [];
  const rows = [
    {
      name: "1000 tracked users without lists",
      note: "ours with `memoryStore`, records included",
      ours: perThousand(await heapOf(() => trackerOf(userIds)), userIds.length),
      peer: perThousand(await wasmOf(() => machineOf(userIds), machines), userIds.length),
    },
    {
      name: `${accounts.length} tracked users with ${Object.keys(accounts[0].devices).length} devices each`,
      note: "the peer's share of the JavaScript heap is not counted",
      ours: perThousand(await heapOf(() => ours.makeTrackerWith(accounts)), accounts.length),
      peer: perThousand(await wasmOf(() => peer.makeMachineWith(accounts, answer), machines), accounts.length),
    },
  ];
  for (const machine of machines) machine.close();
  return rows;
}

async function trackerOf(userIds) {
  const made = ours.makeTracker(ours.NO_ANSWERS);
  await ours.track(made.tracker, userIds);
  return made;
}

async function machineOf(userIds) {
  const machine = await peer.makeMachine();
  await peer.trackUsers(machine, userIds);
  return machine;
}

/** The growth of the heap. */
async function heapOf(make) {
  await make().then(({ stop }) => stop()); // once before, for code and hidden classes
  const before = await heap();
  const made = await make();
  const bytes = (await heap()) - before;
  made.stop();
  return bytes;
}

/**
 * The growth of the WebAssembly memory. Freed memory would be used again without growing, so nothing is freed before everything is measured. It is made twice: the second one uses
 * what the first one needed only temporarily.
 */
async function wasmOf(make, machines) {
  machines.push(await make());
  const before = peer.wasmBytes();
  machines.push(await make());
  return peer.wasmBytes() - before;
}

async function heap() {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10)); // for what is about to be released
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}
