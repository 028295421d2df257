import { fromEvent, map, merge, type Observable } from "rxjs";
import type { UserId } from "matrix-device-tracker";
import type { RoomRecipients } from "matrix-device-tracker/rooms";
import { element } from "../dom/element.js";
import type { Roster } from "../people/roster.js";
import type { OurRoom } from "../session/our-room.js";
import { shortName } from "../words/names.js";
import { drawDevices } from "./draw-devices.js";
import { actionsOf, membershipOf, type Membership } from "./room-actions.js";
import type { RoomKey } from "./room-key.js";

/** What the room shows; `now` is `undefined` while we are not in it. */
export interface RoomState {
  readonly now: RoomRecipients | undefined;
  readonly key: RoomKey | undefined;
  readonly roster: Roster;
}

/** A user in the room: their devices, and what they and we can do. */
export interface MemberRow {
  readonly item: HTMLElement;
  readonly put: (state: RoomState) => void;
  /** Emits what a pressed button does. */
  readonly pressed$: Observable<(room: OurRoom) => Observable<unknown>>;
}

/** The buttons stay, so that they keep the focus; only their labels change. */
export function memberRow(userId: UserId, isOwn: boolean): MemberRow {
  const name = shortName(userId);
  const standing = element("small", {});
  const devices = element("ul", { class: "key-states", "aria-label": `Devices of ${name}` });
  const buttons = actionsOf("gone", isOwn).map(({ slot }) =>
    element("button", { type: "button", class: "quiet", "data-act": slot }),
  );
  const item = element(
    "li",
    { class: "member", "data-member": userId },
    element("p", { class: "who" }, element("strong", {}, name), " ", standing),
    devices,
    element("p", { class: "acts" }, ...buttons),
  );
  let membership: Membership = "gone";

  const put = ({ now, key, roster }: RoomState) => {
    membership = membershipOf(userId, now);
    item.dataset.membership = membership;
    item.hidden = now === undefined && !isOwn; // nothing is known of the others
    setText(standing, standingWords(membership, isOwn, now));
    devices.replaceChildren(...(now === undefined ? [] : drawDevices(userId, now, key, roster)));
    devices.hidden = devices.children.length === 0;
    for (const [i, { label, spoken }] of actionsOf(membership, isOwn).entries()) {
      const button = buttons[i];
      if (button === undefined) continue;
      setText(button, label);
      button.setAttribute("aria-label", spoken(name));
    }
  };
  const pressed$ = merge(
    ...buttons.map((button, i) =>
      fromEvent(button, "click").pipe(map(() => (room: OurRoom) => actionsOf(membership, isOwn)[i]!.run(userId, room))),
    ),
  );
  return { item, put, pressed$ };
}

function standingWords(membership: Membership, isOwn: boolean, now: RoomRecipients | undefined): string {
  if (isOwn) return membership === "joined" ? "(you)" : "(you), not in the room";
  if (membership === "gone") return "not in the room";
  if (membership === "joined") return "in the room";
  return now?.historyVisibility === "joined" ? "invited, gets nothing yet" : "invited, not tracked";
}

/** A text that stays the same is not announced again. */
function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
