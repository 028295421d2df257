import type { DeviceId, DeviceUpdate, RejectionReason } from "matrix-device-tracker";
import { shortName, together } from "./names.js";
import { identityMark, REFUSALS, type IdentityMark } from "./trust-words.js";

/** What the devices in an update are called, as far as they have names. */
export type DeviceNames = ReadonlyMap<DeviceId, string>;

/** One thing that an update tells. */
export interface Change {
  /** What it is about: a mark for whoever reads only that. */
  readonly kind: "added" | "removed" | "renamed" | "cross-signed" | "altered" | "refused" | "identity";
  /** A sentence. */
  readonly text: string;
  /** Whether a person should look at it. */
  readonly grave: boolean;
}

/** What an update tells, in plain words. */
export function changesIn(update: DeviceUpdate, names: DeviceNames): readonly Change[] {
  const { userId, added, removed, renamed, crossSigned, changed, refused, identity } = update;
  const change = (kind: Change["kind"], ids: readonly DeviceId[], words: (them: string) => string): Change[] =>
    ids.length === 0 ? [] : [{ kind, text: words(together(ids.map((id) => names.get(id) ?? id))), grave: false }];
  return [
    ...change("added", added, (them) => `New: ${them}.`),
    ...change("removed", removed, (them) => `Gone: ${them}.`),
    ...change("renamed", renamed, (them) => `Renamed: ${them}.`),
    ...change("cross-signed", crossSigned, (them) => `Now signed by ${shortName(userId)}: ${them}.`),
    ...change("altered", changed, (them) => `Same keys, but fewer signatures or other particulars: ${them}.`),
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
            text: IDENTITY_NEWS[identityMark(identity)],
            grave: ["changed", "removed"].includes(identity.state),
          } as const,
        ]),
  ];
}

function refusal(id: DeviceId, { code }: RejectionReason, names: DeviceNames): string {
  const kept = names.get(id); // only what is in the list has a name
  return `Refused: ${kept ?? `device ${id}`}, because ${REFUSALS[code]}.${kept === undefined ? "" : " The device as it was is kept."}`;
}

const IDENTITY_NEWS: Readonly<Record<IdentityMark, string>> = {
  verified: "Identity verified by you.",
  seen: "Identity: the one that is remembered.",
  changed: "The identity has changed. Nobody has acknowledged that yet.",
  removed: "The identity is gone.",
  none: "No identity.",
};
