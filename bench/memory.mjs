// What a thousand tracked users hold in memory, with their lists and without. Runs before anything else has used the WebAssembly memory.
import { DEVICES, userName } from "./accounts.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** Users tracked where no list is fetched: enough of them to tell from noise. */
const WITHOUT_LISTS = 50_000;

/** @param {readonly import("./accounts.mjs").Account[]} accounts */
export async function memory(accounts) {
  if (globalThis.gc === undefined) return [];
  const userIds = Array.from({ length: WITHOUT_LISTS }, (_, i) => userName(i));
  const answer = ours.answersFrom(accounts);
  const perThousand = (bytes, users) => (bytes / users) * 1_000;
  const machines = [];
  const rows = [
    {
      name: "1000 tracked users without lists",
      note: "ours with `memoryStore`, whose records are counted too",
      ours: perThousand(await heapOf(() => trackerOf(userIds)), userIds.length),
      peer: perThousand(await wasmOf(() => machineOf(userIds), machines), userIds.length),
    },
    {
      name: `1000 tracked users with ${DEVICES} devices each`,
      note: "the peer's part in the JavaScript heap is not counted",
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

/** The heap that something made holds. */
async function heapOf(make) {
  await make().then(({ stop }) => stop()); // once for the code and the shapes that come with it
  const before = await heap();
  const made = await make();
  const bytes = (await heap()) - before;
  made.stop();
  return bytes;
}

/**
 * By how much the WebAssembly memory grows for it. Memory that was given back would be used again without growing, so nothing is given back before all is measured; and
 * it is made twice: what the first one needed for a moment only serves the second.
 */
async function wasmOf(make, machines) {
  machines.push(await make());
  const before = peer.wasmBytes();
  machines.push(await make());
  return peer.wasmBytes() - before;
}

async function heap() {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10)); // what is on its way to being forgotten
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}
