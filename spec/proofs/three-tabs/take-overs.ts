import type { ProofServer } from "../browser/proof-server.js";

/** How leaders are lost. */
export type Loss = "closed" | "crashed" | "frozen" | "left" | "reloaded";

/** How long it takes, after the tab that syncs is lost, until one syncs again. */
export class TakeOvers {
  readonly #server: ProofServer;
  readonly #waits: { readonly how: Loss; readonly ms: number }[] = [];
  #lost: { readonly how: Loss; readonly from: number } | undefined;

  constructor(server: ProofServer) {
    this.#server = server;
  }

  /** The tab that synced last. */
  get leader(): string | undefined {
    return this.#server.polls.at(-1)?.tab;
  }

  get count(): number {
    return this.#waits.length;
  }

  /** A tab is going to be lost; the wait counts where it is the leader. */
  losing(tab: string, how: Loss): void {
    this.look();
    if (tab === this.leader) this.#lost ??= { how, from: performance.now() };
  }

  /** Looks whether one syncs again. How long nobody does so by now, in ms. */
  look(): number {
    if (this.#lost === undefined) return 0;
    const { how, from } = this.#lost;
    const next = this.#server.polls.findLast((poll, i, polls) => poll.from > from && polls[i - 1]?.tab !== poll.tab);
    if (next === undefined) return performance.now() - from;
    this.#waits.push({ how, ms: next.from - from });
    this.#lost = undefined;
    return 0;
  }

  /** For people: the distribution of waits, by how the leader was lost. */
  get summary(): string {
    return (["closed", "crashed", "frozen", "left", "reloaded"] as const)
      .map((how) => {
        const waits = this.#waits
          .filter((wait) => wait.how === how)
          .map(({ ms }) => Math.round(ms))
          .sort((a, b) => a - b);
        const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? "–";
        return `${how} ${waits.length}× (median ${at(0.5)}, 90 % ${at(0.9)}, longest ${at(1)} ms)`;
      })
      .join(", ");
  }
}
