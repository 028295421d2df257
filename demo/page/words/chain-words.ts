import type { Evidence, KeyEvent, TrustLink } from "matrix-device-tracker";
import type { Explanation } from "../session/explain.js";
import { atMoment } from "./moment.js";
import { shortName } from "./names.js";
import { REFUSALS } from "./trust-words.js";

/** A chain of evidence in plain words. */
export interface ChainWords {
  readonly title: string;
  /** How far the device is trusted. */
  readonly trust: string;
  /** What limits that, or that nothing does. */
  readonly limit: string;
  /** Only if the device as the server returns it now is refused. */
  readonly refusal: string | undefined;
  readonly links: readonly LinkWords[];
}

/** A key, and what ties it to the one before, or to its owner. */
export interface LinkWords {
  readonly kind: TrustLink["kind"];
  readonly evidence: Evidence;
  readonly what: string;
  readonly key: string;
  readonly tie: string;
  readonly isWeakest: boolean;
}

/** @param now in ms since the epoch */
export function chainWords(explanation: Explanation, now: number): ChainWords {
  const { chain, name } = explanation;
  const { links, weakest, refused } = chain;
  return {
    title: `How far is ${name} trusted?`,
    trust: trustSentence(explanation),
    limit: limitSentence(explanation),
    refusal:
      refused === undefined || links.length === 0
        ? undefined
        : `The server returns this device otherwise now. That is refused, because ${REFUSALS[refused.code]}. The keys below are those from before.`,
    links: links.map((link, i) => ({
      kind: link.kind,
      evidence: link.evidence,
      what: capital(nameOf(link, name)),
      key: link.key,
      tie: tie(link, links[i - 1], explanation, now),
      isWeakest: link === weakest,
    })),
  };
}

function trustSentence({ chain: { links, trust, userId } }: Explanation): string {
  const identity = links.some(({ kind }) => kind === "own-master")
    ? "your own identity"
    : `${shortName(userId)}’s identity`;
  if (links.length === 0) return "The device is not in the list any more.";
  if (links.length > 1 && (trust === "self-signed" || trust === "seen"))
    return `${capital(identity)} has signed it, but it is not the one known before, so that does not count.`;
  return {
    verified: "Verified: signatures lead to it from your own identity, which you have confirmed.",
    acknowledged:
      links.length > 1 ? `Signed by ${identity}, which you have acknowledged.` : "You have acknowledged its key.",
    "cross-signed": `Signed by ${identity}, which is the same as before.`,
    "self-signed": "It has signed its own keys. Nothing else says whose device it is.",
    seen: "Nothing but the server’s word says whose device it is.",
  }[trust];
}

function limitSentence({ chain: { links, weakest }, name }: Explanation): string {
  if (links.length === 0) return "";
  if (weakest === undefined) return "There is no weak link: a person’s word or a signature is behind every key.";
  return `The weakest link is ${nameOf(weakest, name)}: ${WEAKNESSES[weakest.evidence]}`;
}

const WEAKNESSES: Readonly<Record<Evidence, string>> = {
  seen: "only the server says that this is the key.",
  "self-signed": "it vouches only for itself.",
  "cross-signed": "its signature is missing.",
  acknowledged: "you have acknowledged it, but not compared it through your own identity.",
  verified: "your signature on it is missing now.",
};

function nameOf({ kind, userId }: TrustLink, deviceName: string): string {
  return {
    "own-master": "your own identity",
    "own-user-signing": "your key for verifying people",
    master: `${shortName(userId)}’s identity`,
    "self-signing": "the key for signing devices",
    device: deviceName,
  }[kind];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function tie(link: TrustLink, before: TrustLink | undefined, explanation: Explanation, now: number): string {
  const { kind, evidence, signature, key } = link;
  if (signature !== undefined)
    return signature.by === key || before === undefined
      ? "Signed only by itself."
      : `Signed by ${nameOf(before, explanation.name)}.`;
  if (kind === "own-user-signing" || kind === "self-signing") return "Not signed.";
  const event = lastEvent(link, kind === "own-master" ? explanation.ownHistory : explanation.history);
  const when = event === undefined ? "" : ` ${atMoment(event.at, now)}`;
  switch (evidence) {
    case "verified":
      return kind === "own-master" ? `Confirmed by you${when}.` : "Verified by you before.";
    case "acknowledged":
      return `Acknowledged by you${when}.`;
    default:
      return seenTie(link, event?.type, when);
  }
}

function seenTie({ kind }: TrustLink, type: KeyEvent["type"] | undefined, when: string): string {
  if (kind === "device") return "Not signed.";
  return type === "shown" || type === "returned"
    ? `Returned instead of the known one${when}, and not acknowledged.`
    : `First seen${when}, and the same since. No person has compared it.`;
}

/** The last event of this key in the history of its owner. */
function lastEvent({ kind, key, deviceId }: TrustLink, history: readonly KeyEvent[]): KeyEvent | undefined {
  const wanted = kind === "device" ? "device" : "master";
  return history.findLast((event) => event.kind === wanted && event.key === key && event.deviceId === deviceId);
}
