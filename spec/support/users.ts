import type { UserId } from "../../src/model/ids.js";

/** Our own user. */
export const ALICE: UserId = "@alice:example.org";
export const BOB: UserId = "@bob:example.org";
export const CAROL: UserId = "@carol:example.org";
export const DAVE: UserId = "@dave:example.org";
/** The only user on another server. */
export const EVE: UserId = "@eve:down.example";

/** So many other users, in order. */
export const crowd = (size: number): UserId[] => Array.from({ length: size }, (_, i) => `@user${i}:example.org`);
