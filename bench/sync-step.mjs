// One sync response that names some users, while many are tracked: its cost must depend on the named users only.
import { userName } from "./answers.mjs";
import { elapsed, interleave, spread } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

const TRACKED = [1_000, 10_000, 50_000];
const NAMED = [1, 100];
/** Steps in one sample: a single one is too short to be measured. */
const STEPS = 50;

export async function syncStep() {
  /** @type {Record<string, () => Promise<number>>} */
  const samples = {};
  const closing = [];
  const key = (side, tracked, named) => `${side} ${tracked} ${named}`;
  for (const tracked of TRACKED) {
    const userIds = Array.from({ length: tracked }, (_, i) => userName(i));
    const { tracker, sync$, stop } = ours.makeTracker(ours.NO_ANSWERS);
    await ours.track(tracker, userIds);
    const machine = await peer.makeMachine();
    await peer.trackUsers(machine, userIds);
    closing.push(stop, () => machine.close());

    let durable = 0;
    tracker.synced$.subscribe(() => durable++);
    let token = 0;
    sync$.next({ since: null, next_batch: "t0" });
    for (const named of NAMED) {
      const steps = Array.from({ length: STEPS }, (_, step) =>
        Array.from({ length: named }, (_, i) => userIds[(step * 997 + i * 13) % tracked]),
      );
      samples[key("ours", tracked, named)] = () =>
        elapsed(() => {
          const before = durable;
          for (const changed of steps)
            sync$.next({ since: `t${token}`, next_batch: `t${++token}`, device_lists: { changed, left: [] } });
          if (durable !== before + STEPS) throw new Error("a step should be durable at once with a memory store");
        });
      samples[key("peer", tracked, named)] = () =>
        elapsed(async () => {
          for (const changed of steps) await peer.applySync(machine, changed);
        });
    }
  }
  const times = await interleave(samples);
  for (const close of closing) close();

  const of = (side, tracked, named) => times[key(side, tracked, named)].map((time) => time / STEPS);
  const ratio = (a, b) => spread(a.map((time, i) => time / b[i]));
  const rows = NAMED.flatMap((named) =>
    TRACKED.map((tracked) => ({
      name: `sync step that names ${named}, ${tracked} tracked`,
      note: "until durable, with memory stores; the peer also processes its one-time keys and saves its account",
      ours: spread(of("ours", tracked, named)),
      peer: spread(of("peer", tracked, named)),
      ratio: ratio(of("peer", tracked, named), of("ours", tracked, named)),
    })),
  );
  const [least, most] = [TRACKED[0], TRACKED.at(-1)];
  const growth = NAMED.map((named) => ({
    name: `a step that names ${named}: ${least} → ${most} tracked`,
    ours: ratio(of("ours", most, named), of("ours", least, named)),
    peer: ratio(of("peer", most, named), of("peer", least, named)),
  }));
  return { rows, growth };
}
