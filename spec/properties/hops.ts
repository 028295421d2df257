import { MAX_USERS_AT_ONCE } from "../../src/model/batch-sizes.js";
import type { UserId } from "../../src/model/ids.js";
import { ME } from "./server.js";

/** Who is tracked as of a position of the server's log. */
export interface State {
  readonly position: number | undefined;
  readonly tracked: ReadonlySet<UserId>;
}

/**
 * What a tab learned of a stretch of the server's log; `unknown` if the server could not be asked. `from`: "any" if the response does not say what it
 * answers, "elsewhere" if it is anywhere but where the stretch ends.
 */
export interface Hop {
  readonly from: number | undefined | "any" | "elsewhere";
  readonly to: number;
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
  readonly unknown?: true;
}

/** Every state that the hops lead to, in any order. */
export function reachable(start: State, hops: readonly Hop[]): readonly State[] {
  const states = new Map([[describeState(start), start]]);
  for (const state of states.values()) {
    for (const hop of hops.filter(({ from, to }) => isFrom(state.position, from, to))) {
      for (const next of [...parts(state, hop), follow(state, hop)])
        if (!states.has(describeState(next))) states.set(describeState(next), next);
    }
  }
  return [...states.values()];
}

export const describeState = ({ position, tracked }: State): string =>
  `${String(position)}: ${[...tracked].sort().join()}`;

const isFrom = (position: number | undefined, from: Hop["from"], to: number): boolean =>
  from === position || from === "any" || (from === "elsewhere" && to !== position);

/** A long step is committed in parts, of which the last one moves the token. */
function parts({ position, tracked }: State, { changed, left }: Hop): readonly State[] {
  if (changed.length + left.length <= MAX_USERS_AT_ONCE) return [];
  return Array.from([...changed, ...left], (_, i) => {
    const gone = left.slice(0, Math.max(0, i + 1 - changed.length));
    const kept = [...tracked, ...changed.slice(0, i + 1)].filter((user) => !gone.includes(user));
    return { position, tracked: new Set([ME, ...kept]) };
  });
}

function follow({ tracked }: State, { to, changed, left, unknown }: Hop): State {
  const kept = unknown ? [] : [...tracked, ...changed].filter((user) => !left.includes(user));
  return { position: to, tracked: new Set([ME, ...kept]) };
}
