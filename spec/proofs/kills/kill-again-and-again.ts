import { expect } from "vitest";
import type { Random } from "../../support/random.js";
import { SEED } from "../../support/seed.js";
import { Oracle } from "../browser/oracle.js";
import type { NumberedEvent, ProofPage, Saved } from "../browser/page-events.js";
import { ProofServer } from "../browser/proof-server.js";
import { TabRecord } from "../browser/tab-record.js";
import { ALL_USERS, OTHERS, Truth } from "../browser/truth.js";
import { Unrest } from "../browser/unrest.js";
import type { KillFigures } from "./kill-figures.js";

/** For something that takes a tenth of a second, in ms; a slow machine may be slow. */
const eventually = { timeout: 20_000, interval: 10 };
/** The longest time from one change to the next, in ms: from steps as fast as they can be applied to lists that are mostly current. */
const PACES = [6, 30, 150] as const;
/** How long a life lasts after its first changes, in ms. */
const LIFE = [0, 1_200] as const;

/** A page or a process with a tracker. */
export interface Driven {
  run<K extends keyof ProofPage>(
    name: K,
    ...args: Parameters<ProofPage[K]>
  ): Promise<Awaited<ReturnType<ProofPage[K]>>>;
}

/** What keeps a tracker's database, and is killed: a browser profile, or a directory. */
export interface Victim {
  /** Starts it again on the same data. `homeserver` is a URL, with a path for this life. */
  start(homeserver: { url: string; name: string }, receive: (event: NumberedEvent) => void): Promise<Driven>;
  /** Ends it as a crash would. Everything that it reported has arrived when this resolves. */
  kill(): Promise<void>;
  /** Whether it has lost the database, which no application can prevent. */
  hasLostDatabase(): Promise<boolean>;
  /** Kills it if necessary, and deletes the data. */
  remove(): Promise<void>;
}

interface Life {
  readonly driven: Driven;
  readonly tab: TabRecord;
}

interface Kills {
  /** The script of the page, if it is one. */
  readonly script?: string;
  readonly random: Random;
  readonly kills: number;
  readonly figures: KillFigures;
}

/**
 * What one victim goes through until all is done, or until it loses the database.
 */
export async function killAgainAndAgain(victim: Victim, { script = "", random, kills, figures }: Kills): Promise<void> {
  const truth = new Truth();
  const oracle = new Oracle(truth);
  const unrest = new Unrest(truth, random.fork());
  const server = await ProofServer.start(script, truth, random.fork());
  let durable = 0;
  let killed: TabRecord | undefined;

  const check = (tab: TabRecord) => {
    if (oracle.breaches.length === 0) return;
    const events = [killed, tab].map((one) => one?.lastEvents ?? "");
    expect.fail(
      [`${figures.kills} kills, PROPERTY_SEED=${SEED}`, ...oracle.breaches.slice(0, 20), ...events].join("\n"),
    );
  };
  const start = async (number: number): Promise<Life | "lost"> => {
    const tab = new TabRecord(`life${number}`);
    const driven = await victim.start({ url: server.url, name: tab.name }, (event) => oracle.receive(event, tab));
    const saved: Saved = await driven.run("saved", ALL_USERS);
    if (saved.token === undefined && durable > 0 && (await victim.hasLostDatabase())) return "lost";
    figures.restarted(saved);
    oracle.saved(saved, durable, tab);
    check(tab);
    await driven.run("connect");
    return { driven, tab };
  };
  const settle = async ({ driven, tab }: Life) => {
    await expect.poll(() => tab.synced, eventually).toBe(truth.position);
    const result = tab.result(0);
    await driven.run("lookUp", 0, ALL_USERS, false);
    oracle.quiet(await result, tab);
    const saved = await driven.run("saved", ALL_USERS);
    oracle.saved(saved, truth.position, tab);
    check(tab);
  };
  const live = async (life: Life, isFirst: boolean) => {
    if (isFirst || random.chance(0.5)) await settle(life);
    if (isFirst) for (const user of OTHERS) truth.join(user); // an initial sync announces no users
    unrest.resume(random.pick(PACES));
    await life.driven.run("work", figures.kills, ALL_USERS);
    await new Promise((resolve) => setTimeout(resolve, random.between(...LIFE)));
  };
  const kill = async ({ tab }: Life) => {
    await victim.kill();
    unrest.pause();
    figures.killed(tab);
    check(tab);
    durable = Math.max(durable, tab.synced);
    killed = tab;
    unrest.change(random.between(0, 5));
  };

  try {
    for (let number = 0; ; number++) {
      const life = await start(number);
      if (life === "lost") {
        figures.databasesLost++;
        return;
      }
      if (figures.kills === kills) {
        await settle(life);
        return;
      }
      await live(life, number === 0);
      await kill(life);
    }
  } finally {
    figures.changes += unrest.changes;
    figures.queries += server.queries;
    unrest.pause();
    await victim.remove();
    await server.close();
  }
}
