import { isUserId, type UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";

/** A room ID: opaque. */
export type RoomId = string;

/**
 * Which messages users may read from before they joined. Matrix spec, client-server API, "Room History Visibility".
 */
export type HistoryVisibility = "invited" | "joined" | "shared" | "world_readable";

/** The settings of an encrypted room. Matrix spec, client-server API, "m.room.encryption". */
export interface RoomEncryption {
  readonly algorithm: string;
  /** How long a session may be used, in ms. */
  readonly rotationPeriodMs: number;
  /** How many messages a session may be used for. */
  readonly rotationPeriodMsgs: number;
}

/** Matrix spec, client-server API, "m.room.encryption": the recommended values if the event has none. */
const ROTATION_PERIOD_MS = 604_800_000;
const ROTATION_PERIOD_MSGS = 100;

const VISIBILITIES: readonly unknown[] = ["invited", "joined", "shared", "world_readable"];

/** The parts of a state event that rooms read. */
export interface StateEvent {
  readonly type: string;
  readonly stateKey: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** Distinguishes events: the event ID, or else the timestamp. */
  readonly id: string;
}

/** Returns `undefined` if it is not a state event. A redacted or malformed event has no content. */
export function readStateEvent(event: unknown): StateEvent | undefined {
  if (!isObject(event)) return undefined;
  const { type, state_key: stateKey, content, event_id: id, origin_server_ts: ts } = event;
  if (typeof type !== "string" || typeof stateKey !== "string") return undefined;
  return {
    type,
    stateKey,
    content: isObject(content) ? content : {},
    id: typeof id === "string" ? id : `@${typeof ts === "number" ? ts : ""}`,
  };
}

/** Returns `undefined` if the content does not say how the room is encrypted. */
export function readEncryption(content: unknown): RoomEncryption | undefined {
  if (!isObject(content) || typeof content.algorithm !== "string" || content.algorithm === "") return undefined;
  const { algorithm, rotation_period_ms: ms, rotation_period_msgs: msgs } = content;
  return {
    algorithm,
    rotationPeriodMs: isPositive(ms) ? ms : ROTATION_PERIOD_MS,
    rotationPeriodMsgs: isPositive(msgs) ? msgs : ROTATION_PERIOD_MSGS,
  };
}

/** Unknown values count as `shared`, as the spec says. */
export function readVisibility(content: unknown): HistoryVisibility {
  const visibility = isObject(content) ? content.history_visibility : undefined;
  return VISIBILITIES.includes(visibility) ? (visibility as HistoryVisibility) : "shared";
}

/** The membership in a member event. `gone` stands for `leave`, `ban` and `knock`: such users may not read. */
export type Membership = "joined" | "invited" | "gone";

const MEMBERSHIPS = new Map<unknown, Membership>([
  ["join", "joined"],
  ["invite", "invited"],
  ["leave", "gone"],
  ["ban", "gone"],
  ["knock", "gone"],
]);

/**
 * True if the state key of a member event can be a user ID. A member may send an event with any other key, which must
 * not make the other members unknown.
 */
export const isMember = ({ stateKey }: StateEvent): boolean => isUserId(stateKey) && !stateKey.includes("\n");

/** Returns `undefined` if the membership is unknown, or the state key is not a user ID. */
export function readMember(event: StateEvent): readonly [UserId, Membership] | undefined {
  const membership = MEMBERSHIPS.get(event.content.membership);
  return membership === undefined || !isMember(event) ? undefined : [event.stateKey, membership];
}

const isPositive = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
