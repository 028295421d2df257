import type { InvalidResponseError } from "./errors.js";
import type { UserId } from "./ids.js";

/** What went wrong and what was done about it. Nothing here needs an answer: it is for logs, for bug reports and for a person's eyes. */
export type TrackerProblem =
  /** A sync response could not be understood and may have hidden changes: every tracked user became outdated, and sync goes on. */
  | { readonly type: "sync-response-refused"; readonly error: InvalidResponseError; readonly message: string }
  /**
   * The steps from `from` to `to` were missed. The server told who had changed in them (`caughtUp`), or could not be asked, with this `error` or because there is no
   * token to ask from: then every tracked user became outdated.
   */
  | {
      readonly type: "gap";
      readonly from: string | undefined;
      readonly to: string | null;
      readonly caughtUp: boolean;
      readonly error?: unknown;
      readonly message: string;
    }
  /** Strings that are no user IDs were left out; the rest was used. `count` of them, of which `userIds` are the first few. */
  | {
      readonly type: "user-ids-refused";
      readonly source: "device_lists" | "keys_changes" | "track";
      readonly userIds: readonly string[];
      readonly count: number;
      readonly message: string;
    }
  /** Part of a `/keys/query` answer could not be used: the user got the rest of it, or no devices and `unreachable`. */
  | { readonly type: "answer-refused"; readonly userId: UserId; readonly path: string; readonly message: string }
  /** The server gives us a master key of our own that is not the one first seen: we reset our identity, or somebody stands in our place. Acknowledge it only if it was us. */
  | {
      readonly type: "own-identity-changed";
      readonly masterKey: string;
      readonly pinnedMasterKey: string;
      readonly message: string;
    }
  /** The platform cannot verify ed25519 signatures: JavaScript does, which takes 10 to 15 times as long. */
  | { readonly type: "slow-signatures"; readonly error: unknown; readonly message: string }
  /** The store cannot be opened: memory stands in for it until the page is loaded again. */
  | { readonly type: "store-unavailable"; readonly error: unknown; readonly message: string }
  /** Steps could not be committed; lookups go on from memory, and the commit is tried again in `retryIn` ms. */
  | { readonly type: "commit-failed"; readonly error: unknown; readonly retryIn: number; readonly message: string }
  /** Device lists could not be saved; memory keeps them. */
  | {
      readonly type: "save-failed";
      readonly userIds: readonly UserId[];
      readonly error: unknown;
      readonly message: string;
    }
  /** Saved lists could not be read; the server was asked instead. */
  | {
      readonly type: "read-failed";
      readonly userIds: readonly UserId[];
      readonly error: unknown;
      readonly message: string;
    }
  /** The store was cleared, here or in another tab: lookups and `synced$` fail from now on. */
  | { readonly type: "store-cleared"; readonly message: string }
  /** Records in the store were damaged: what they stood for counts as outdated. */
  | {
      readonly type: "records-damaged";
      readonly kind: string;
      readonly ids: readonly string[];
      readonly message: string;
    }
  /** Watched users could not be asked for; asked again in `retryIn` ms, if that is of use. */
  | {
      readonly type: "watch-failed";
      readonly userIds: readonly UserId[];
      readonly error: unknown;
      readonly retryIn: number | undefined;
      readonly message: string;
    };
