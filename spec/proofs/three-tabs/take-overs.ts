import type { ProofServer } from "../browser/proof-server.js";

/** What can happen to a tab. */
export const LOSSES = ["closed", "crashed", "frozen", "left", "reloaded"] as const;
export type Loss = (typeof LOSSES)[number];

/** How long it takes, after the syncing tab is lost, until another one syncs. */
export class TakeOvers {
  readonly #server: ProofServer;
  readonly #waits: { readonly how: Loss; readonly ms: number }[] = [];
  #lost: { readonly how: Loss; readonly from: number } | undefined;

  constructor(server: ProofServer) {
    this.#server = server;
  }

  /** The tab that polled last. */
  get leader(): string | undefined {
    return this.#server.polls.at(-1)?.tab;
  }

  get count(): number {
    return this.#waits.length;
  }

  /** A tab is about to be lost; this counts if it is the leader. */
  losing(tab: string, how: Loss): void {
    this.update();
    if (tab === this.leader) this.#lost ??= { how, from: performance.now() };
  }

  /** Returns for how long no tab has synced, in ms. */
  update(): number {
    if (this.#lost === undefined) return 0;
    const { how, from } = this.#lost;
    const next = this.#server.polls.findLast((poll, i, polls) => poll.from > from && polls[i - 1]?.tab !== poll.tab);
    if (next === undefined) return performance.now() - from;
    this.#waits.push({ how, ms: next.from - from });
    this.#lost = undefined;
    return 0;
  }

  /** The distribution of the waits, by how the leader was lost. */
  get summary(): string {
    return LOSSES.map((how) => {
      const waits = this.#waits.filter((wait) => wait.how === how).map(({ ms }) => Math.round(ms));
      waits.sort((a, b) => a - b);
      const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? "–";
      return `${how} ${waits.length}: median ${at(0.5)}, 90 % ${at(0.9)}, longest ${at(1)} ms`;
    }).join("; ");
  }
}
