/** A state in which something is broken, and what happened before. */
export interface Trace {
  readonly states: number;
  readonly broken: readonly string[] | undefined;
}

/** What there is to explore. */
export interface Space<T> {
  readonly start: T;
  /** What may happen in a state: each with the state that it leads to. */
  readonly next: (state: T) => Iterable<readonly [label: string, state: T]>;
  /** States with the same key are the same. */
  readonly keyOf: (state: T) => string;
  /** Which promise is broken in a state, if any. */
  readonly breach: (state: T) => string | undefined;
}

/** Visits every state that can be reached, each once, depth first, up to the first that breaks a promise. */
export function explore<T>({ start, next, keyOf, breach }: Space<T>): Trace {
  const seen = new Set([keyOf(start)]);
  const open: { readonly state: T; readonly trace: readonly string[] }[] = [{ state: start, trace: [] }];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    for (const [label, state] of next(here.state)) {
      const trace = [...here.trace, label];
      const broken = breach(state);
      if (broken !== undefined) return { states: seen.size, broken: [...trace, broken] };
      const key = keyOf(state);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push({ state, trace });
    }
  }
  return { states: seen.size, broken: undefined };
}
