import { filter, fromEvent, map, type Observable } from "rxjs";
import type { DeviceId, DeviceKeys, RejectionReason, UserId } from "matrix-device-tracker";
import { glyphIcon } from "../diagram/glyphs.js";
import { element } from "../dom/element.js";
import { nameOf } from "../words/device-name.js";
import { serverOf, shortName, together } from "../words/names.js";
import { STANDINGS } from "../words/standings.js";
import { REFUSALS, SHIELDS } from "../words/trust-words.js";
import { drawIdentity } from "./draw-identity.js";
import type { Person, Roster } from "./roster.js";
import { shieldIcon, shieldOf, type Shield } from "./shield.js";

/** Shows one card for each user, in the diagram's order. A card is redrawn only if its user has changed. */
export function cardsIn(list: HTMLElement): (roster: Roster) => void {
  let drawn = new Map<Person, HTMLElement>();
  return (roster) => {
    drawn = new Map([...roster.values()].map((person) => [person, drawn.get(person) ?? drawCard(person)]));
    [...drawn.values()].forEach((card, i) => put(list, i, card));
    while (list.children.length > drawn.size) list.lastElementChild?.remove();
  };
}

/** Emits when the button of a changed identity is pressed: its user, and the master key that was shown. */
export function acknowledgements(
  list: HTMLElement,
): Observable<{ readonly userId: UserId; readonly masterKey: string }> {
  return fromEvent(list, "click").pipe(
    map(({ target }) =>
      target instanceof Element ? target.closest<HTMLElement>("[data-acknowledge]")?.dataset : undefined,
    ),
    filter((data) => data !== undefined),
    map(({ acknowledge: userId = "", masterKey = "" }) => ({ userId, masterKey })),
  );
}

/** Replaces only cards that have changed, and keeps the focus: on the same element, or in the place of a removed one. */
function put(list: HTMLElement, i: number, card: HTMLElement): void {
  const old = list.children[i];
  if (old === card) return;
  if (old === undefined) {
    list.append(card);
    return;
  }
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(card);
  if (hadFocus) (card.querySelector<HTMLElement>("[data-acknowledge]") ?? card.querySelector("h3"))?.focus();
}

function drawCard(person: Person): HTMLElement {
  const { userId, own, standing, fetchedAt, devices, removed, rejected } = person;
  const nothing = devices.size + removed.size + rejected.size === 0;
  return element(
    "li",
    { class: `card ${standing}`, "data-user": userId, "data-standing": standing },
    element("h3", { tabindex: -1 }, shortName(userId), own && element("small", {}, " (you)")),
    element("p", { class: "server" }, serverOf(userId)),
    element(
      "p",
      { class: `chip ${standing}`, title: STANDINGS[standing] },
      glyphIcon(standing),
      standing === "unknown" ? "not looked up yet" : standing,
    ),
    fetchedAt !== undefined && drawIdentity(person),
    element(
      "ul",
      { class: "devices" },
      ...[...devices].map(([id, device]) => drawDevice(person, id, device)),
      ...[...removed].map(([id, device]) =>
        element(
          "li",
          { class: "removed", "data-removed": id },
          element(
            "span",
            { class: "device" },
            element("del", {}, nameOf(id, device)),
            element("span", { class: "tag" }, "removed"),
          ),
        ),
      ),
      ...[...rejected].map(([id, reason]) => drawRefused(person, id, reason)),
    ),
    nothing && fetchedAt !== undefined && element("p", { class: "none" }, "No devices with keys."),
    fetchedAt !== undefined &&
      element(
        "p",
        { class: "as-of" },
        standing === "unreachable" ? "last known, as of " : "as of ",
        element(
          "time",
          { datetime: new Date(fetchedAt).toISOString(), "data-fetched-at": fetchedAt },
          clockTime(fetchedAt),
        ),
      ),
  );
}

function drawDevice(
  { added, contested, deviceStatus, identity }: Person,
  id: DeviceId,
  device: DeviceKeys,
): HTMLElement {
  const tag = added.has(id) ? "new" : undefined;
  const fingerprint = device.keys[`ed25519:${id}`] ?? "";
  const shield = shieldOf(deviceStatus.get(id), identity);
  const others = contested.get(id);
  return element(
    "li",
    { class: tag, "data-device": id, "data-shield": shield },
    element(
      "span",
      { class: "device" },
      nameOf(id, device),
      tag !== undefined && element("span", { class: "tag" }, tag),
    ),
    shield !== undefined && drawShield(shield),
    element(
      "code",
      { title: `${id}, ed25519 ${fingerprint}` },
      fingerprint
        .match(/.{1,4}/g)
        ?.slice(0, 4)
        .join(" ") ?? "",
      " …",
    ),
    others !== undefined &&
      element(
        "small",
        { class: "contested", "data-contested": id },
        `${together(others.map(({ name }) => name))} claims the same key: a message from it cannot be attributed.`,
      ),
  );
}

function drawRefused({ devices }: Person, id: DeviceId, { code, detail }: RejectionReason): HTMLElement {
  const kept = devices.get(id);
  return element(
    "li",
    { class: "rejected", "data-rejected": id, "data-code": code, "data-kept": kept !== undefined },
    element(
      "span",
      { class: "device" },
      kept === undefined ? element("code", {}, id) : nameOf(id, kept),
      element("span", { class: "tag" }, "refused"),
    ),
    element(
      "small",
      { class: "why", title: detail },
      shieldIcon("refused"),
      `Refused: ${REFUSALS[code]}. ${kept === undefined ? "It gets no messages." : "The device is kept as it was, above."}`,
    ),
  );
}

function drawShield(shield: Shield): HTMLElement {
  const { word, meaning } = SHIELDS[shield];
  return element("span", { class: `word ${shield}`, title: meaning }, shieldIcon(shield), word);
}

const clockTime = (ms: number): string =>
  new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
