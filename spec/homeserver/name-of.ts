import type { UserId } from "../../src/model/ids.js";

/** The name that a person was registered with: `bob` for `@bob-<UUID>:example.org`. */
export const nameOf = (userId: UserId): string => /^@([a-z0-9]+)-/u.exec(userId)?.[1] ?? userId;
