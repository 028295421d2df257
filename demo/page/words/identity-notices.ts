import type { CardAction } from "../people/card-action.js";
import type { Person } from "../people/person.js";
import { shortName } from "./names.js";
import type { IdentityMark } from "./trust-words.js";

/** What a person has to decide about an identity. */
export interface IdentityNotice {
  readonly text: string;
  /** Keys to compare, each with its name. */
  readonly keys: readonly (readonly [name: string, key: string])[];
  readonly action: CardAction["action"];
  readonly button: string;
  /** The button for screen readers. */
  readonly label: string;
}

/** The notice on a user's card; `undefined` if there is nothing to decide. */
export function identityNotice(mark: IdentityMark, person: Person): IdentityNotice | undefined {
  switch (mark) {
    case "unconfirmed":
      return confirmation(person);
    case "changed":
      return acknowledgement(person);
    case "violated":
      return withdrawal(person);
    default:
      return undefined;
  }
}

function confirmation({ identity: { masterKey = "" }, phoneShows }: Person): IdentityNotice {
  const where = phoneShows === undefined ? "on another device of yours" : "on your phone";
  return {
    text: `So far, only the server says that it is yours. Until you confirm it, no user counts as verified. Compare it with what you see ${where}:`,
    keys: [["here", masterKey], ...(phoneShows === undefined ? [] : [["phone", phoneShows] as const])],
    action: "confirm",
    button: "It is the same",
    label: "It is the same: confirm your own identity",
  };
}

function acknowledgement({ userId, own, identity: { masterKey = "", pinnedMasterKey = "" } }: Person): IdentityNotice {
  const name = shortName(userId);
  return {
    text: own
      ? "The server returns an identity that is not yours. If you did not just reset it, the server is lying: do not acknowledge it."
      : `${name} may have reset it, or someone may be impersonating ${name}. Ask ${name} in person, and compare:`,
    keys: [
      ["was", pinnedMasterKey],
      ["now", masterKey],
    ],
    action: "acknowledge",
    button: "Acknowledge",
    label: own ? "Acknowledge your own new identity" : `Acknowledge the new identity of ${name}`,
  };
}

function withdrawal({ userId }: Person): IdentityNotice {
  const name = shortName(userId);
  return {
    text: `You verified ${name} once, but your signature is not on this identity. ${name} gets no messages until you verify the identity again, with a client that can, or go on without.`,
    keys: [],
    action: "withdraw",
    button: "Go on without verification",
    label: `Go on without verification of ${name}`,
  };
}
