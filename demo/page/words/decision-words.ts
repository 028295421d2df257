import type { UserId } from "matrix-device-tracker";
import type { Decision } from "../events/decision.js";
import { shortName } from "./names.js";

/** What was decided, as a sentence of its own. */
export const decisionSentence = (decision: Decision, userId: UserId, elsewhere: boolean): string =>
  ({
    acknowledged: `The new identity of ${shortName(userId)} was acknowledged${tab(elsewhere)}.`,
    confirmed: `Our own identity was confirmed${tab(elsewhere)}: users whom it has signed are verified.`,
    withdrawn: `The verification of ${shortName(userId)} was withdrawn${tab(elsewhere)}.`,
  })[decision];

/** The same below the user's name. */
export const decisionWords = (decision: Decision, elsewhere: boolean): string =>
  ({
    acknowledged: `The new identity was acknowledged${tab(elsewhere)}.`,
    confirmed: `The identity was confirmed${tab(elsewhere)}.`,
    withdrawn: `The verification was withdrawn${tab(elsewhere)}.`,
  })[decision];

const tab = (elsewhere: boolean): string => (elsewhere ? " in another tab" : "");
