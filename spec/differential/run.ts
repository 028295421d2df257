import { differences, type Difference } from "./difference.js";
import { Disputed, type Case } from "./disputed.js";
import { EXPLANATIONS } from "./explained.js";
import type { History } from "./history.js";
import { Memory } from "./memory.js";
import { OurSide, type OurVerdict } from "./our-verdict.js";
import { TheirSide } from "./their-verdict.js";
import type { Verdict } from "./verdict.js";

/** Counts the outcomes of histories. */
export class Tally {
  responses = 0;
  honest = 0;
  /** Devices that either side accepted, counted after each response. */
  devices = 0;
  readonly explained = new Map<string, { readonly count: number; readonly firstIn: number }>();
  readonly unexplained: (Difference & {
    readonly history: number;
    readonly tampered: string;
    readonly text: string;
  })[] = [];

  explain(name: string, history: number): void {
    const { count, firstIn } = this.explained.get(name) ?? { count: 0, firstIn: history };
    this.explained.set(name, { count: count + 1, firstIn });
  }

  toString(): string {
    const classes = Array.from(this.explained)
      .sort(([, a], [, b]) => b.count - a.count)
      .map(([name, { count, firstIn }]) => `${name} ${count} (first in history ${firstIn})`);
    return `${this.responses} responses (${this.honest} of them honest), ${this.devices} devices; differences: ${classes.join(", ")}; unexplained: ${this.unexplained.length}`;
  }
}

/** Passes all responses of a history to both sides, and explains each difference. */
export async function runHistory(
  number: number,
  { userIds, unsignedDevices, responses }: History,
  tally: Tally,
): Promise<void> {
  const our = new OurSide(userIds, unsignedDevices);
  const their = await TheirSide.open(userIds);
  let oursBefore: OurVerdict | undefined;
  let theirsBefore: Verdict | undefined;
  const memory = new Memory();
  for (const { text, tampered } of responses) {
    const ours = our.judge(text);
    const theirs = await their.judge(text);
    tally.responses++;
    if (tampered.length === 0) tally.honest++;
    if (!ours.read && !theirs.read) continue; // nothing has changed
    const found = differences(ours, theirs);
    for (const userId of userIds)
      tally.devices += new Set(
        [ours, theirs].flatMap(({ users }) => [...(users.get(userId)?.devices.keys() ?? [])]),
      ).size;
    if (found.length > 0) {
      const alone =
        oursBefore === undefined
          ? { oursAlone: ours, theirsAlone: theirs }
          : await verdictsAlone(text, userIds, unsignedDevices);
      const about: Case = {
        text,
        unsignedDevices,
        differences: found,
        ours,
        theirs,
        oursBefore,
        theirsBefore,
        memory,
        ...alone,
      };
      for (const difference of found) {
        const disputed = new Disputed(difference, about);
        const explanation = EXPLANATIONS.find(({ explains }) => explains(disputed));
        if (explanation === undefined)
          tally.unexplained.push({ ...difference, history: number, tampered: tampered.join(", "), text });
        else tally.explain(explanation.name, number);
      }
    }
    oursBefore = ours;
    memory.add(ours);
    theirsBefore = theirs;
  }
  their.close();
}

async function verdictsAlone(
  text: string,
  userIds: readonly string[],
  unsignedDevices: "accept" | "refuse",
): Promise<{ oursAlone: OurVerdict; theirsAlone: Verdict }> {
  const their = await TheirSide.open(userIds);
  const theirsAlone = await their.judge(text);
  their.close();
  return { oursAlone: new OurSide(userIds, unsignedDevices).judge(text), theirsAlone };
}
