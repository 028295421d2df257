import type { CrossSigningKey } from "../model/wire.js";

export interface CrossSigningKeys {
  readonly masterKey?: CrossSigningKey;
  readonly selfSigningKey?: CrossSigningKey;
  readonly userSigningKey?: CrossSigningKey;
}

/**
 * The three cross-signing keys: the property that holds each in {@link CrossSigningKeys}, its `usage`, and its section
 * in a `/keys/query` response.
 *
 * Matrix spec, client-server API, "Cross-signing" and `POST /_matrix/client/v3/keys/query`.
 */
export const CROSS_SIGNING_KINDS = [
  { name: "masterKey", usage: "master", section: "master_keys" },
  { name: "selfSigningKey", usage: "self_signing", section: "self_signing_keys" },
  { name: "userSigningKey", usage: "user_signing", section: "user_signing_keys" },
] as const satisfies readonly {
  readonly name: keyof CrossSigningKeys;
  readonly usage: string;
  readonly section: string;
}[];

export type CrossSigningUsage = (typeof CROSS_SIGNING_KINDS)[number]["usage"];
