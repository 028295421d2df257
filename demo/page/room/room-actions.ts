import type { Observable } from "rxjs";
import type { UserId } from "matrix-device-tracker";
import type { RoomRecipients } from "matrix-device-tracker/rooms";
import { control } from "../session/embedded-homeserver.js";
import type { OurRoom } from "../session/our-room.js";

export type Membership = "joined" | "invited" | "gone";

/** Who does what with a button of a member. */
type Slot = "we" | "they" | "log-in" | "log-out";

/** A button of a member. */
export interface RoomAction {
  readonly slot: Slot;
  readonly label: string;
  /** The label and whom it is about, for screen readers. */
  readonly spoken: (name: string) => string;
  readonly run: (userId: UserId, room: OurRoom) => Observable<unknown>;
}

export function membershipOf(userId: UserId, now: RoomRecipients | undefined): Membership {
  if (now?.joined.includes(userId) === true) return "joined";
  return now?.invited.includes(userId) === true ? "invited" : "gone";
}

/** The buttons of a member, always as many. */
export function actionsOf(membership: Membership, isOwn: boolean): readonly RoomAction[] {
  return isOwn ? [OWN[membership]] : [OURS[membership], THEIRS[membership], ...DEVICES];
}

const action = (slot: Slot, label: string, run: RoomAction["run"]): RoomAction => ({
  slot,
  label,
  spoken: (name) => (/^[A-Z]/u.test(label) ? `${label} ${name}` : `${name} ${label}`),
  run,
});

const comeBack = action("we", "Come back", (_, room) => room.join());
const OWN: Readonly<Record<Membership, RoomAction>> = {
  joined: action("we", "Leave", (_, room) => room.leave()),
  invited: comeBack,
  gone: comeBack,
};

/** What we do: a command. */
const OURS: Readonly<Record<Membership, RoomAction>> = {
  joined: action("we", "Remove", (userId, room) => room.remove(userId)),
  invited: action("we", "Withdraw", (userId, room) => room.remove(userId)),
  gone: action("we", "Invite", (userId, room) => room.invite(userId)),
};

/** What they do: the rest of a sentence. */
const THEIRS: Readonly<Record<Membership, RoomAction>> = {
  joined: action("they", "leaves", (user_id) => control("leave", { user_id })),
  invited: action("they", "accepts", (user_id) => control("join", { user_id })),
  gone: action("they", "comes in", (user_id) => control("join", { user_id })),
};

const DEVICES: readonly RoomAction[] = [
  action("log-in", "logs in", (user_id) => control("add-device", { user_id })),
  action("log-out", "logs out", (user_id) => control("remove-device", { user_id })),
];
