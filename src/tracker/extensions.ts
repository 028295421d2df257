import { isUserId, type UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceChanges } from "../model/results.js";
import type { SyncResponse } from "../model/wire.js";
import {
  lastMentions,
  movesToken,
  type Change,
  type Commit,
  type ExtensionEvents,
  type NamedUsers,
  type SyncStep,
} from "../store/change.js";
import type { ChainExtensions, ExtensionRecords, SavedExtensions } from "../store/extension-records.js";
import { refusedIds } from "../sync/refused-ids.js";
import type { SyncExtension } from "../sync/sync-extension.js";

/** A tracker's extensions. If one throws, the error is reported and counts as something that it missed. */
export class Extensions implements ChainExtensions {
  readonly #all: readonly SyncExtension[];
  readonly #ownUserId: UserId;
  /** The token after the last followed step. */
  #token: string | undefined;
  readonly #report: (problem: TrackerProblem) => void;

  constructor(all: readonly SyncExtension[], ownUserId: UserId, report: (problem: TrackerProblem) => void) {
    this.#all = all;
    this.#ownUserId = ownUserId;
    this.#report = report;
  }

  get areNone(): boolean {
    return this.#all.length === 0;
  }

  read(response: SyncResponse | undefined): Pick<SyncStep, "events"> {
    if (this.areNone || response === undefined) return {};
    return { events: Object.fromEntries(this.#collect((one) => one.read(response))) };
  }

  readonly late = (events: ExtensionEvents): ExtensionEvents | undefined => {
    const kept = this.#collect((one) =>
      Object.hasOwn(events, one.name) ? (one.late?.(events[one.name] ?? []) ?? []) : [],
    );
    return present(kept);
  };

  /** Our own user never leaves. */
  extend(change: Change): Change {
    const done = this.#follow(change);
    if (done.length === 0 || change.type !== "step") return change;
    const { changed, left } = this.#usersIn(lastMentions(done));
    const hasLeft = new Set([...left, ...change.left]);
    const hasChanged = new Set([...change.changed, ...changed].filter((userId) => !hasLeft.has(userId)));
    return { ...change, changed: [...hasChanged], left: [...hasLeft] };
  }

  follow(commits: readonly Pick<Commit, "change">[]): void {
    for (const { change } of commits) this.#follow(change);
  }

  restore({ records, changes, isFromStart }: SavedExtensions, token: string | undefined): void {
    this.#token = undefined;
    for (const one of this.#all) {
      const own = records.get(one.name) ?? (isFromStart ? [] : undefined);
      this.#guarded(one, () => {
        one.restore(own);
      });
    }
    for (const change of changes) this.#follow(change);
    this.#token = token;
  }

  /** Returns the records of all extensions, except of those that throw. */
  records(): ExtensionRecords {
    return new Map(this.#collect((one) => one.records()));
  }

  /** Returns events that describe what memory knows. */
  summary(): ExtensionEvents | undefined {
    return present(this.#collect((one) => one.summary()));
  }

  trackedUsers(): ReadonlySet<UserId> {
    return new Set(this.#all.flatMap((one) => this.#guarded(one, () => [...one.trackedUsers()]) ?? []));
  }

  /**
   * Returns what each extension returns, by its name, as a copy: data that cannot be cloned would hold up every commit.
   */
  #collect(pick: (extension: SyncExtension) => readonly unknown[]): (readonly [string, readonly unknown[]])[] {
    return this.#all.flatMap((one) => {
      const picked = this.#guarded(one, () => structuredClone(pick(one)));
      return picked === undefined ? [] : [[one.name, picked] as const];
    });
  }

  #usersIn({ changed, left }: NamedUsers): NamedUsers {
    const refused = refusedIds(
      "track",
      [...changed, ...left].filter((userId) => !isUserId(userId)),
    );
    if (refused !== undefined) this.#report(refused);
    return {
      changed: changed.filter((userId) => isUserId(userId)),
      left: left.filter((userId) => isUserId(userId) && userId !== this.#ownUserId),
    };
  }

  #follow(change: Change): readonly DeviceChanges[] {
    const step = change.type === "step" ? change : undefined;
    this.#token = step?.next ?? this.#token;
    return this.#all.flatMap((one) => {
      const { events: all = {} } = change;
      const events = Object.hasOwn(all, one.name) ? all[one.name] : undefined;
      if (step !== undefined && movesToken(step) && (events === undefined || step.isGap === true))
        this.#guarded(one, () => {
          one.missed(step.next);
        });
      return (events ?? []).flatMap((event) => this.#guarded(one, () => one.apply(event, this.#token)) ?? []);
    });
  }

  #guarded<T>(extension: SyncExtension, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      const { name } = extension;
      const message = `the extension "${name}" failed; it counts as having missed what it was given`;
      this.#report({ type: "extension-failed", name, error, message });
      try {
        extension.missed(undefined);
      } catch {
        // its failure has already been reported
      }
      return undefined;
    }
  }
}

function present(all: readonly (readonly [string, readonly unknown[]])[]): ExtensionEvents | undefined {
  const some = all.filter(([, events]) => events.length > 0);
  return some.length === 0 ? undefined : Object.fromEntries(some);
}
