import type { InvalidResponseError } from "./errors.js";
import type { DeviceId, UserId } from "./ids.js";

/** A failed attempt of a sync loop. The next one follows in `retryIn` ms. */
export interface SyncFailure {
  readonly error: unknown;
  readonly retryIn: number;
  readonly message: string;
}

/**
 * What went wrong, and how the tracker handled it. For logs and bug reports; the application does not have to react.
 */
export type TrackerProblem =
  /** A sync response was malformed and may have hidden changes. All tracked users became outdated, and sync goes on. */
  | { readonly type: "sync-response-refused"; readonly error: InvalidResponseError; readonly message: string }
  /**
   * The steps from `from` to `to` were missed. If `caughtUp`, the server returned the users that changed in them. If
   * not, these are unknown: because of `error`, a missing saved token, the option `gaps: "distrust"`, or because memory
   * stood in for the store. Then all users but our own became untracked, or all but those that memory tracks. Call
   * `track()` with the members of the encrypted rooms.
   *
   * A tab that was too far behind to read which users left only leaves untracked the users of its own `track()` calls
   * in the meantime.
   */
  | {
      readonly type: "gap";
      readonly from: string | undefined;
      readonly to: string | null;
      readonly caughtUp: boolean;
      readonly error?: unknown;
      readonly message: string;
    }
  /**
   * State events of an encrypted room were malformed and ignored. If they may have changed the members, these are
   * fetched again.
   */
  | {
      readonly type: "room-events-refused";
      readonly roomId: string;
      readonly count: number;
      readonly message: string;
    }
  /** An extension threw an error. What it was given counts as missed; everything else goes on. */
  | { readonly type: "extension-failed"; readonly name: string; readonly error: unknown; readonly message: string }
  /**
   * Strings that are not user IDs were left out; the rest was used. There were `count` of them; `userIds` has the first
   * few.
   */
  | {
      readonly type: "user-ids-refused";
      readonly source: "device_lists" | "keys_changes" | "track";
      readonly userIds: readonly string[];
      readonly count: number;
      readonly message: string;
    }
  /**
   * Part of a `/keys/query` response was unusable. The user has the rest of it, or no devices and `unreachable`. `path`
   * is the first such part, and the message names all of them.
   */
  | { readonly type: "answer-refused"; readonly userId: UserId; readonly path: string; readonly message: string }
  /**
   * Like `answer-refused`, for more than 20 users of one response: one report for all `count` users; `userIds` has the
   * first 20.
   */
  | {
      readonly type: "answers-refused";
      readonly userIds: readonly UserId[];
      readonly count: number;
      readonly message: string;
    }
  /**
   * The server returned another master key of our own than the one first seen. Either we reset our identity, or someone
   * is impersonating us. Acknowledge it only if we did.
   */
  | {
      readonly type: "own-identity-changed";
      readonly masterKey: string;
      readonly pinnedMasterKey: string;
      readonly message: string;
    }
  /** The server returned no master key of our own, although we had one: no user can be verified until it is back. */
  | { readonly type: "own-identity-removed"; readonly pinnedMasterKey: string; readonly message: string }
  /** The server returned devices of our own under other keys than before. They are refused. */
  | { readonly type: "own-device-changed"; readonly deviceIds: readonly DeviceId[]; readonly message: string }
  /**
   * Our own confirmed identity has not signed these devices of ours: new logins that have not been verified yet, or
   * devices that the server has made up.
   */
  | { readonly type: "own-device-unsigned"; readonly deviceIds: readonly DeviceId[]; readonly message: string }
  /** The platform cannot verify ed25519 signatures. JavaScript does it instead, 10 to 15 times slower. */
  | { readonly type: "slow-signatures"; readonly error: unknown; readonly message: string }
  /**
   * The store cannot be opened. Memory stands in for it: nothing is saved, and no identity can be called unchanged.
   * Opening is retried in `retryIn` ms, then after waits that double up to 10 min; failures are not reported again.
   * `retryIn` is `undefined` if retrying is pointless: the store is another account's, or was written by a newer
   * version.
   */
  | {
      readonly type: "store-unavailable";
      readonly error: unknown;
      readonly retryIn: number | undefined;
      readonly message: string;
    }
  /** Steps could not be committed. Lookups go on from memory, and the commit is retried in `retryIn` ms. */
  | { readonly type: "commit-failed"; readonly error: unknown; readonly retryIn: number; readonly message: string }
  /**
   * An attempt of this tab's sync loop failed: its request, saving the response, or reading the saved token. Lookups go
   * on from the last step applied.
   */
  | ({ readonly type: "sync-failed" } & SyncFailure)
  /** The sync stream completed, or failed with this `error`. Lookups go on from the last step applied. */
  | { readonly type: "sync-ended"; readonly error?: unknown; readonly message: string }
  /** The store had a format of an older version. It was emptied, and everything is fetched again. */
  | { readonly type: "store-replaced"; readonly format: number; readonly message: string }
  /** Device lists could not be saved. Memory keeps them. */
  | {
      readonly type: "save-failed";
      readonly userIds: readonly UserId[];
      readonly error: unknown;
      readonly message: string;
    }
  /** Saved lists could not be read. The server was queried instead. */
  | {
      readonly type: "read-failed";
      readonly userIds: readonly UserId[];
      readonly error: unknown;
      readonly message: string;
    }
  /** The store was cleared, in this tab or another. Lookups and `synced$` fail from now on. */
  | { readonly type: "store-cleared"; readonly message: string }
  /** Records in the store were damaged. Whatever they described counts as outdated. */
  | {
      readonly type: "records-damaged";
      readonly kind: string;
      readonly ids: readonly string[];
      readonly message: string;
    }
  /**
   * Keys that were pinned, and shown as unchanged, while the store failed differ from the store's: another tab pinned
   * those in the meantime. The store's keys count; an identity with two keys is `unknown` until it is acknowledged.
   */
  | { readonly type: "pins-replaced"; readonly userIds: readonly UserId[]; readonly message: string }
  /**
   * Watched users could not be queried. They are queried again in `retryIn` ms; `undefined` if retrying is pointless.
   */
  | {
      readonly type: "watch-failed";
      readonly userIds: readonly UserId[];
      readonly error: unknown;
      readonly retryIn: number | undefined;
      readonly message: string;
    };
