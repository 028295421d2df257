import type { DeviceId, UserId } from "../../../src/model/ids.js";
import type { Freshness } from "../../../src/model/results.js";

/** One user of a result. */
export type Listed = readonly [user: UserId, freshness: Freshness, devices: readonly DeviceId[]];

/** What a page reports at the moment at which it happens. */
export type PageEvent =
  /** The page was loaded, or loaded again. */
  | { readonly type: "started" }
  /** The page falls asleep (it is frozen, or enters the back/forward cache), and wakes up as it was. */
  | { readonly type: "asleep" | "awake" }
  /** A response of the tab's own sync stream is passed to the tracker. */
  | { readonly type: "given"; readonly token: string }
  /** `applied$`: a response of the own stream, or a step that another tab committed. */
  | { readonly type: "applied"; readonly token: string; readonly isOwn: boolean }
  | { readonly type: "synced"; readonly token: string }
  | { readonly type: "tracked"; readonly users: readonly UserId[] }
  | { readonly type: "watched"; readonly users: readonly Listed[] }
  | { readonly type: "lookup"; readonly id: number; readonly users: readonly UserId[] }
  | { readonly type: "answered"; readonly id: number; readonly users: readonly Listed[] }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  /** The number of open IndexedDB transactions changed. */
  | { readonly type: "transactions"; readonly open: number }
  | { readonly type: "problem"; readonly problem: string; readonly isClosedGap: boolean; readonly message: string }
  /** A poll failed: the connection of a page that slept, say. */
  | { readonly type: "poll failed"; readonly message: string }
  /** An unhandled error, or the end of a stream that should not end. */
  | { readonly type: "error"; readonly message: string };

/** What is saved, as a tracker sees it that has not connected yet. */
export interface Saved {
  readonly token: string | undefined;
  readonly tracked: readonly UserId[];
  readonly lists: readonly Listed[];
}

/** What the driver can have a page do. */
export interface ProofPage {
  saved(users: readonly UserId[]): Promise<Saved>;
  connect(): void;
  /** Resolves once the tracker has caught up. */
  caughtUp(): Promise<void>;
  lookUp(id: number, users: readonly UserId[], forceDownload: boolean): void;
  watch(users: readonly UserId[]): void;
  /** Looks up random users for ever. */
  work(seed: number, users: readonly UserId[]): void;
  /** Announces a mark in the store, after everything that this tab has announced. */
  announceMark(mark: number): Promise<void>;
  /** Resolves once this tab has received the mark, and everything before it. */
  markReceived(mark: number): Promise<void>;
}
