import type { UserId } from "../../../src/model/ids.js";
import type { Freshness } from "../../../src/model/results.js";

/** What a page tells, in the moment in which it happens. */
export type Told =
  /** The page has been loaded, or loaded anew: nothing of what it told before holds. */
  | { readonly type: "started" }
  /** The page has come back as it was, from the back/forward cache. */
  | { readonly type: "restored" }
  /** A sync response is being given to the tracker. */
  | { readonly type: "given"; readonly token: string }
  /** `synced$` has emitted: what leads to the token is durable. */
  | { readonly type: "synced"; readonly token: string }
  /** So many operations on the store are under way. */
  | { readonly type: "store"; readonly reading: number; readonly updating: number }
  | { readonly type: "lookup"; readonly id: number; readonly users: readonly UserId[] }
  | { readonly type: "answered"; readonly id: number; readonly users: readonly AnsweredUser[] }
  | { readonly type: "not answered"; readonly id: number; readonly message: string }
  /** The page's freeze and resume events. */
  | { readonly type: "frozen" | "resumed" }
  | { readonly type: "problem"; readonly problem: string; readonly message: string }
  /** An error that nobody handled, or the end of a stream that has none. */
  | { readonly type: "error"; readonly message: string };

export type AnsweredUser = readonly [user: UserId, freshness: Freshness, devices: readonly string[]];

/** The whole store, as of one moment. */
export interface SavedDump {
  readonly account: readonly (readonly [id: string, record: unknown])[];
  readonly states: readonly (readonly [user: UserId, record: unknown])[];
  /** `readable`: whether the package would take it for what it saved. */
  readonly lists: readonly (readonly [
    user: UserId,
    list: { readonly readable: boolean; readonly revision: number; readonly devices: readonly string[] },
  ])[];
}

/** What a page can be told to do. */
export interface ProofPage {
  /** What is saved, read past the tracker. */
  saved(): Promise<SavedDump>;
  connect(): void;
  /** Hands over whom we share encrypted rooms with; done when that is durable. */
  track(users: readonly UserId[]): Promise<void>;
  /** Looks users up, and tells what came of it. */
  lookup(id: number, users: readonly UserId[], forceDownload: boolean): void;
  /** Looks users up, some at a time, for ever. */
  work(seed: number, users: readonly UserId[]): void;
}
