import { ALICE, crowd } from "../../support/users.js";
import type { UserId } from "../../../src/model/ids.js";

/** Our own user. */
export const OWN_USER: UserId = ALICE;
/** A few dozens of others. */
export const OTHERS: readonly UserId[] = crowd(36);
export const EVERYONE: readonly UserId[] = [OWN_USER, ...OTHERS];
