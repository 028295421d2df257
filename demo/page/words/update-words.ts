import type { DeviceId, DeviceUpdate, RejectionReason } from "matrix-device-tracker";
import { shortName, together } from "./names.js";
import { identityMark, REFUSALS, type IdentityMark } from "./trust-words.js";

/** Display names of the devices in an update, as far as they have any. */
export type DeviceNames = ReadonlyMap<DeviceId, string>;

/** One change in an update. */
export interface Change {
  readonly kind: "added" | "removed" | "renamed" | "cross-signed" | "rekeyed" | "altered" | "refused" | "identity";
  /** A sentence. */
  readonly text: string;
  /** Whether a person should look at it. */
  readonly grave: boolean;
}

/** The changes in an update, in plain words. */
export function changesIn(update: DeviceUpdate, names: DeviceNames): readonly Change[] {
  const { userId, added, removed, renamed, crossSigned, rekeyed, changed, refused, identity } = update;
  const change = (kind: Change["kind"], ids: readonly DeviceId[], words: (them: string) => string): Change[] =>
    ids.length === 0 ? [] : [{ kind, text: words(together(ids.map((id) => names.get(id) ?? id))), grave: false }];
  return [
    ...change("added", added, (them) => `New: ${them}.`),
    ...change("removed", removed, (them) => `Removed: ${them}.`),
    ...change("renamed", renamed, (them) => `Renamed: ${them}.`),
    ...change("cross-signed", crossSigned, (them) => `Now signed by ${shortName(userId)}: ${them}.`),
    ...change(
      "rekeyed",
      rekeyed,
      (them) =>
        `New keys, signed by the identity of ${shortName(userId)}: ${them}. The former keys are not accepted any more.`,
    ),
    ...change("altered", changed, (them) => `Same keys, but other content or fewer signatures: ${them}.`),
    ...Array.from(refused, ([id, reason]): Change => ({
      kind: "refused",
      text: refusal(id, reason, names),
      grave: true,
    })),
    ...(identity === undefined
      ? []
      : [
          {
            kind: "identity",
            text: IDENTITY_CHANGES[identityMark(identity)],
            grave: ["changed", "removed", "unknown"].includes(identity.state),
          } as const,
        ]),
  ];
}

function refusal(id: DeviceId, { code }: RejectionReason, names: DeviceNames): string {
  const kept = names.get(id); // only devices in the list have a name
  return `Refused: ${kept ?? `device ${id}`}, because ${REFUSALS[code]}.${kept === undefined ? "" : " The device is kept as it was."}`;
}

const IDENTITY_CHANGES: Readonly<Record<IdentityMark, string>> = {
  verified: "Identity verified by you.",
  violated: "The user was verified, and is not any more.",
  unjudged: "Identity unchanged. Whether it is still verified cannot be said: our own identity is in doubt.",
  seen: "Identity unchanged since it was first seen or acknowledged.",
  changed: "The identity has changed. The change has not been acknowledged yet.",
  removed: "The identity was removed.",
  unknown: "The identity could not be compared with what was seen before.",
  none: "No identity.",
  confirmed: "Our own identity was confirmed.",
  unconfirmed: "Our own identity has not been confirmed.",
};
