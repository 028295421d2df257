import type { UserId } from "../model/ids.js";

/** What `serveKeyQueries` did. */
export type ServedKeys =
  | {
      /** The machine has the current lists of these users. */
      readonly type: "given";
      readonly userIds: readonly UserId[];
    }
  | {
      /** The machine could not be given the lists of these users. They are looked up again. */
      readonly type: "failed";
      readonly userIds: readonly UserId[];
      /** The error of the request or of the machine; absent if only the users' own servers could not be reached. */
      readonly error?: unknown;
      /** In ms; `Infinity` if retrying is pointless until the homeserver answers a request. */
      readonly retryIn: number;
    };
