import type { UserId } from "../model/ids.js";
import { REMEMBERED_STEPS, type RememberedStep } from "./records.js";

/**
 * Who may have left in steps that are newer than one that begins at this token: a user whom that step names as changed may have changed before they left.
 *
 * The order of opaque tokens cannot be told, but steps say what led where. Those that led, one to the other, to the token are older: its line. Others that were committed meanwhile, by a tab that is
 * ahead or behind, may be newer than the step. Where both lines tell, since they parted, that somebody has left, it is the same leaving; where the others have them leave once more, that one may be newer.
 *
 * @param since `undefined` where the step does not say: it is taken to follow what came before
 * @param everyone whether everyone is outdated by the step: then it comes after a gap, and `since` may be newer than all that is remembered
 */
export function leftSince(
  steps: readonly RememberedStep[],
  since: string | undefined,
  everyone = false,
): (userId: UserId) => boolean {
  if (since === undefined) return () => false;
  const line = lineTo(steps, since);
  // Of a tab so far behind nobody knows any more who has left since.
  if (line.length === 0 && steps.length === REMEMBERED_STEPS && !everyone) return () => true;
  const oldest = isAsked(steps, line) ? 0 : (line.at(-1) ?? 0);
  const parted = new Map<number, number>();
  for (let i = oldest; i < steps.length; i++) if (!line.includes(i)) parted.set(i, partedAt(i, steps, line, parted));

  const byLine = new Map<UserId, number[]>(); // how many steps of the line came after the one that tells it
  for (const [age, i] of line.entries())
    for (const userId of [...usersOf(steps[i]?.left), ...usersOf(steps[i]?.gone)]) add(byLine, userId, age);
  const byOthers = new Map<UserId, number[]>(); // how many came after the two lines parted
  for (const [i, age] of parted) {
    if (steps[i]?.left === "many") return () => true;
    for (const userId of usersOf(steps[i]?.left)) add(byOthers, userId, age);
  }
  return (userId) => {
    const told = byLine.get(userId) ?? [];
    const others = byOthers.get(userId) ?? [];
    return others.some((age) => others.filter((other) => other <= age).length > told.filter((at) => at < age).length);
  };
}

/** The steps that led to this token, newest first. One that did not say what it answered is taken to follow what came before. */
function lineTo(steps: readonly RememberedStep[], token: string): readonly number[] {
  const line: number[] = [];
  let next: string | undefined = token;
  for (let i = steps.length - 1; i >= 0; i--) {
    if (next !== undefined && steps[i]?.next !== next) continue;
    line.push(i);
    if (isAsked(steps, line)) break;
    next = steps[i]?.since;
  }
  return line;
}

/** Whether the server was asked for what led to this very token: that may lie before all that is remembered. */
const isAsked = (steps: readonly RememberedStep[], [newest = -1, ...older]: readonly number[]): boolean =>
  older.length === 0 && steps[newest]?.asked === true;

/** How many steps of the line came after the two lines parted; where that is not known, how many were committed after the other's step. */
function partedAt(
  i: number,
  steps: readonly RememberedStep[],
  line: readonly number[],
  parted: ReadonlyMap<number, number>,
): number {
  const since = steps[i]?.since;
  if (since !== undefined) {
    const inLine = line.findIndex((at) => steps[at]?.next === since);
    if (inLine >= 0) return inLine;
    for (let before = i - 1; before >= 0; before--) {
      const age = steps[before]?.next === since ? parted.get(before) : undefined;
      if (age !== undefined) return age;
    }
  }
  return line.filter((at) => at > i).length;
}

const usersOf = (users: RememberedStep["left"] = []): readonly UserId[] => (users === "many" ? [] : users);

function add(to: Map<UserId, number[]>, userId: UserId, age: number): void {
  const ages = to.get(userId);
  if (ages === undefined) to.set(userId, [age]);
  else ages.push(age);
}
