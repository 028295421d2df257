import { readFileSync } from "node:fs";
import type { UserId } from "../../src/model/ids.js";
import type { CrossSigningKey, DeviceKeys, SyncResponse } from "../../src/model/wire.js";

/** A response of `/keys/query` in the recording. */
export interface RecordedAnswer {
  readonly device_keys: Record<UserId, Record<string, DeviceKeys>>;
  readonly failures: Record<string, unknown>;
  readonly master_keys: Record<UserId, CrossSigningKey>;
  readonly self_signing_keys: Record<UserId, CrossSigningKey>;
}

/** One request and its response. `after`: what had just happened, in the words of the recording. */
export type Exchange =
  | {
      readonly type: "sync";
      readonly after: string;
      readonly response: SyncResponse & { readonly since: string | null };
    }
  | {
      readonly type: "query";
      readonly after: string;
      readonly users: readonly UserId[];
      readonly timeout: number;
      readonly answer: RecordedAnswer;
    }
  | { readonly type: "changes"; readonly after: string };

interface Recorded {
  readonly after: string;
  readonly request: {
    readonly path: string;
    readonly body?: { readonly device_keys: Record<UserId, []>; readonly timeout: number };
  };
  readonly response: { readonly status: number; readonly body: unknown };
}

/** What Synapse 1.160 sent to the account of {@link ALICE}, in order. */
export const recording: readonly Exchange[] = (
  JSON.parse(readFileSync(new URL("synapse-1.160.json", import.meta.url), "utf8")) as readonly Recorded[]
).map(({ after, request: { path, body }, response }) => {
  const url = new URL(path, "http://localhost");
  if (url.pathname === "/v3/sync")
    return {
      type: "sync",
      after,
      response: { ...(response.body as SyncResponse), since: url.searchParams.get("since") },
    };
  if (body === undefined) return { type: "changes", after };
  return {
    type: "query",
    after,
    users: Object.keys(body.device_keys),
    timeout: body.timeout,
    answer: response.body as RecordedAnswer,
  };
});

export const ALICE = "@aliced0b7e6:localhost:8448";
export const BOB = "@bobd0b7e6:localhost:8448";
/** Carol and Dave are on another server. Alice shares no room with Dave. */
export const CAROL = "@carold0b7e6:localhost:8449";
export const DAVE = "@daved0b7e6:localhost:8449";
