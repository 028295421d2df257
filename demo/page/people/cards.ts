import type { DeviceId, DeviceKeys } from "matrix-device-tracker";
import { glyphIcon } from "../diagram/glyphs.js";
import { element } from "../dom/element.js";
import { serverOf, shortName } from "../words/names.js";
import { STANDINGS } from "../words/standings.js";
import type { Person, Roster } from "./roster.js";

/** Shows one card for each person, in the diagram's order. A card is drawn anew only when its person has changed. */
export function cardsIn(list: HTMLElement): (roster: Roster) => void {
  let drawn = new Map<Person, HTMLElement>();
  return (roster) => {
    drawn = new Map([...roster.values()].map((person) => [person, drawn.get(person) ?? drawCard(person)]));
    list.replaceChildren(...drawn.values());
  };
}

function drawCard(person: Person): HTMLElement {
  const { userId, own, standing, fetchedAt, devices, removed, added, rejected } = person;
  const nothing = devices.size + removed.size + rejected.size === 0;
  return element(
    "li",
    { class: `card ${standing}`, "data-user": userId, "data-standing": standing },
    element("h3", {}, shortName(userId), own && element("small", {}, " (you)")),
    element("p", { class: "server" }, serverOf(userId)),
    element("p", { class: `chip ${standing}`, title: STANDINGS[standing] }, glyphIcon(standing), standing === "unknown" ? "not asked yet" : standing),
    element(
      "ul",
      { class: "devices" },
      ...[...devices].map(([id, device]) => drawDevice(id, device, added.has(id) ? "new" : undefined)),
      ...[...removed].map(([id, device]) => element("li", { class: "removed", "data-removed": id }, element("span", { class: "device" }, element("del", {}, nameOf(id, device)), element("span", { class: "tag" }, "gone")))),
      ...[...rejected].map(([id, { detail }]) => element("li", { class: "rejected", "data-rejected": id }, element("span", { class: "device" }, id, element("span", { class: "tag" }, "refused")), element("small", {}, detail))),
    ),
    nothing && fetchedAt !== undefined && element("p", { class: "none" }, "No devices with keys."),
    fetchedAt !== undefined && element("p", { class: "as-of" }, standing === "unreachable" ? "last known, as of " : "as of ", element("time", { datetime: new Date(fetchedAt).toISOString(), "data-fetched-at": fetchedAt }, clockTime(fetchedAt))),
  );
}

function drawDevice(id: DeviceId, device: DeviceKeys, tag: string | undefined): HTMLElement {
  const fingerprint = device.keys[`ed25519:${id}`] ?? "";
  return element(
    "li",
    { class: tag, "data-device": id },
    element("span", { class: "device" }, nameOf(id, device), tag !== undefined && element("span", { class: "tag" }, tag)),
    element("code", { title: `${id}, ed25519 ${fingerprint}` }, fingerprint.match(/.{1,4}/g)?.slice(0, 4).join(" ") ?? "", " …"),
  );
}

/** A display name is whatever its owner typed. */
const nameOf = (id: DeviceId, { unsigned }: DeviceKeys): string => (typeof unsigned?.device_display_name === "string" && unsigned.device_display_name) || id;

const clockTime = (ms: number): string => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
