import type { DeviceId, UserId } from "../../../src/model/ids.js";
import type { Freshness } from "../../../src/model/results.js";

/** One user of a result. */
export type Listed = readonly [user: UserId, freshness: Freshness, devices: readonly DeviceId[]];

/** An event with its number: a page that wakes up reports the last ones again, for they may not have got through before it slept. */
export type NumberedEvent = readonly [number: number, event: PageEvent];

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
  /** Another tab's announcement of a step that it committed arrived. */
  | { readonly type: "announced"; readonly token: string }
  | { readonly type: "synced"; readonly token: string }
  | { readonly type: "tracked"; readonly users: readonly UserId[] }
  | { readonly type: "watched"; readonly users: readonly Listed[] }
  | { readonly type: "lookup"; readonly id: number; readonly users: readonly UserId[] }
  | { readonly type: "answered"; readonly id: number; readonly users: readonly Listed[] }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  /** The number of open transactions of the store changed. */
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

/** What the driver can have a page, or a process of Node, do. */
export interface ProofPage {
  saved(users: readonly UserId[]): Promise<Saved>;
  connect(): void;
  /** Resolves once the tracker has caught up. */
  caughtUp(): Promise<void>;
  lookUp(id: number, users: readonly UserId[], forceDownload: boolean): void;
  watch(users: readonly UserId[]): void;
  /** Looks up random users for ever. */
  work(seed: number, users: readonly UserId[]): void;
  /** Waits until everything that this tab has applied is durable, and announces a mark in the store after it. */
  announceMark(mark: string): Promise<void>;
  /** Resolves once this tab has received the mark, and everything before it. */
  markReceived(mark: string): Promise<void>;
}
