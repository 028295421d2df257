import { Observable, of, type Subscriber } from "rxjs";
import type { SignatureCheck, SignatureVerifier } from "../trust/signature-verifier.js";
import type { Engine } from "./engine.js";

/** Verifications that one slice begins at the most: so many keep the threads busy where WebCrypto has some (Node, Firefox). */
export const SLICE_CHECKS = 64;
/**
 * How long a slice goes on beginning verifications, in ms: half of the 16 ms between two frames, for the answers have to be dealt with, too. One verification is the
 * least that it does. Chromium verifies on the calling thread before `verify` returns, and JavaScript can do nothing else.
 */
export const SLICE_TIME = 8;

/** What slices are made with. */
export interface Slicing {
  /** Where the verifications are done; asked for whenever there is work after there was none. */
  readonly engine: () => Promise<Engine>;
  /** Resolves in a task of its own. */
  readonly nextTask: () => Promise<void>;
  /** Any clock, in ms. */
  readonly now: () => number;
}

/** One call that is not answered yet. */
interface Job {
  readonly subscriber: Subscriber<readonly boolean[]>;
  readonly checks: readonly SignatureCheck[];
  /** Imported keys, by their bytes: many signatures of a call are by the same key. */
  readonly keys: Map<string, unknown>;
  readonly results: boolean[];
  begun: number;
  done: number;
}

/**
 * A verifier that never holds the page up: it works in slices, each in a task of its own.
 *
 * All calls share the slices, check by check in turn: a call for one user is not kept waiting by one for a thousand, and many calls at once do not add up
 * to a long task. Whoever unsubscribes takes their checks out; those begun come to their end and are told nobody.
 */
export function inSlices({ engine, nextTask, now }: Slicing): SignatureVerifier {
  /** Calls that are not answered. */
  const open = new Set<Job>();
  /** Those of them with checks to begin, in turn. */
  const waiting = new Set<Job>();
  let running = false;

  const slice = async (verifying: Engine) => {
    const until = now() + SLICE_TIME;
    const answers: Promise<void>[] = [];
    // A set goes on with what is added to its end meanwhile: that is the taking of turns.
    for (const job of waiting) {
      waiting.delete(job);
      const index = job.begun++;
      const check = job.checks[index];
      if (check === undefined) continue;
      const key = await keyOf(job, check.publicKey, verifying);
      if (job.subscriber.closed) continue;
      answers.push(settle(job, index, key === undefined ? false : verifying.verify(key, check)));
      if (job.begun < job.checks.length) waiting.add(job);
      if (answers.length === SLICE_CHECKS || now() >= until) break;
    }
    await Promise.all(answers);
  };

  const settle = async (job: Job, index: number, answer: boolean | Promise<boolean>) => {
    job.results[index] = await answer;
    if (++job.done < job.checks.length) return;
    open.delete(job);
    job.subscriber.next(job.results);
    job.subscriber.complete();
  };

  const run = async () => {
    running = true;
    try {
      const verifying = await engine();
      while (waiting.size > 0) {
        await nextTask();
        await slice(verifying);
      }
      running = false;
    } catch (error) {
      running = false; // before anybody is told, who may call again from inside of that
      const failed = [...open];
      open.clear();
      waiting.clear();
      for (const { subscriber } of failed) subscriber.error(error);
    }
  };

  return {
    verify: (checks) => {
      if (checks.length === 0) return of([]);
      return new Observable((subscriber) => {
        const job: Job = { subscriber, checks, keys: new Map(), results: [], begun: 0, done: 0 };
        open.add(job);
        waiting.add(job);
        if (!running) void run();
        return () => {
          open.delete(job);
          waiting.delete(job);
        };
      });
    },
  };
}

async function keyOf({ keys }: Job, publicKey: Uint8Array, engine: Engine): Promise<unknown> {
  const name = String.fromCharCode(...publicKey);
  if (keys.has(name)) return keys.get(name);
  const key: unknown = await engine.importKey(publicKey);
  keys.set(name, key);
  return key;
}
