// npm run bench:growth: what a step and a lookup cost while more and more users are tracked. Draws docs/growth.svg.
import { writeFileSync } from "node:fs";
import { makeAccounts } from "./accounts.mjs";
import { textsFrom, userName } from "./answers.mjs";
import { drawGrowth } from "./draw-growth.mjs";
import { elapsed, interleave, spread } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

const TRACKED = [100, 1_000, 10_000, 100_000];
const NAMED = 10;
const ROOM = 100;
/** Actions in one sample: a single one is too short to be measured. */
const TIMES = 50;

/** A number of tracked users, the first of whom have lists. */
async function made(tracked, accounts) {
  const userIds = Array.from({ length: tracked }, (_, i) => userName(i));
  const answer = textsFrom(accounts);
  const { tracker, sync$, stop } = ours.makeTracker(answer);
  await ours.track(tracker, userIds);
  const machine = await peer.makeMachine();
  await peer.trackUsers(machine, userIds);
  const room = userIds.slice(0, ROOM);
  await ours.getLists(tracker, room);
  await peer.answerQueries(machine, (asked) => answer(asked.filter((userId) => room.includes(userId))));
  return { userIds, room, tracker, sync$, machine, close: () => (stop(), machine.close()) };
}

export async function growth(progress) {
  const accounts = makeAccounts(ROOM);
  const samples = {};
  const closing = [];
  for (const tracked of TRACKED) {
    progress(`${tracked} tracked users`);
    const [stepped, asked] = [await made(tracked, accounts), await made(tracked, accounts)];
    closing.push(stepped.close, asked.close);
    let token = 0;
    stepped.sync$.next({ since: null, next_batch: "t0" });
    const changed = stepped.userIds.slice(-NAMED);
    const step = () =>
      stepped.sync$.next({ since: `t${token}`, next_batch: `t${++token}`, device_lists: { changed, left: [] } });
    samples[`ours step ${tracked}`] = () => elapsed(step, TIMES);
    samples[`ours lookup ${tracked}`] = () => elapsed(() => ours.getLists(asked.tracker, asked.room), TIMES);
    samples[`peer step ${tracked}`] = () => elapsed(() => peer.applySync(stepped.machine, changed), TIMES);
    samples[`peer lookup ${tracked}`] = () => elapsed(() => peer.getHandles(asked.machine, asked.room), TIMES);
  }
  const times = await interleave(samples);
  for (const close of closing) close();
  const series = (side, action) => TRACKED.map((tracked) => spread(times[`${side} ${action} ${tracked}`]).median);
  const ratio = (action) => {
    const [few, many] = [1_000, 100_000].map((tracked) => times[`ours ${action} ${tracked}`]);
    return spread(many.map((time, i) => time / few[i]));
  };
  return {
    tracked: TRACKED,
    series: [
      { name: `a step that names ${NAMED}`, ours: series("ours", "step"), peer: series("peer", "step") },
      { name: `a lookup of ${ROOM}`, ours: series("ours", "lookup"), peer: series("peer", "lookup") },
    ],
    ratios: [
      { name: `a step that names ${NAMED}: 100,000 tracked ÷ 1,000`, ratio: ratio("step") },
      { name: `a lookup of ${ROOM}: 100,000 tracked ÷ 1,000`, ratio: ratio("lookup") },
    ],
  };
}

if (process.argv[1] === import.meta.filename) {
  await peer.loadPeer();
  const result = await growth((what) => process.stderr.write(`${what} …\n`));
  writeFileSync(new URL("../docs/growth.svg", import.meta.url), drawGrowth(result));
  for (const { name, ratio } of result.ratios)
    console.log(`${name}: ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`);
}
