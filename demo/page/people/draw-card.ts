import { glyphIcon } from "../diagram/glyphs.js";
import { element } from "../dom/element.js";
import { clockTime } from "../words/clock-time.js";
import { nameOf } from "../words/device-name.js";
import { serverOf, shortName } from "../words/names.js";
import { STANDINGS } from "../words/standings.js";
import { drawDevice, drawRefused } from "./draw-device.js";
import { drawHistory } from "./draw-history.js";
import { drawIdentity } from "./draw-identity.js";
import type { Person } from "./person.js";

/** A user's list: how far it can be relied on, their identity, and their devices. */
export function drawCard(person: Person): HTMLElement {
  const { userId, own, standing, fetchedAt, devices, removed, rejected } = person;
  const { word, meaning } = STANDINGS[standing];
  const nothing = devices.size + removed.size + rejected.size === 0;
  return element(
    "li",
    { class: `card ${standing}`, "data-user": userId, "data-standing": standing },
    element("h3", { tabindex: -1 }, shortName(userId), own && element("small", {}, " (you)")),
    element("p", { class: "server" }, serverOf(userId)),
    element("p", { class: `chip ${standing}`, title: meaning }, glyphIcon(standing), word),
    fetchedAt !== undefined && drawIdentity(person),
    element(
      "ul",
      { class: "devices" },
      ...Array.from(devices, ([id, device]) => drawDevice(person, id, device)),
      ...Array.from(removed, ([id, device]) => drawRemoved(id, nameOf(id, device))),
      ...Array.from(rejected, ([id, reason]) => drawRefused(person, id, reason)),
    ),
    nothing && fetchedAt !== undefined && element("p", { class: "none" }, "No devices with keys."),
    drawHistory(person),
    fetchedAt !== undefined && drawAge(fetchedAt, standing === "unreachable"),
  );
}

function drawRemoved(id: string, name: string): HTMLElement {
  return element(
    "li",
    { class: "removed", "data-removed": id },
    element("span", { class: "device" }, element("del", {}, name), element("span", { class: "tag" }, "removed")),
  );
}

function drawAge(fetchedAt: number, isLastKnown: boolean): HTMLElement {
  const time = { datetime: new Date(fetchedAt).toISOString(), "data-fetched-at": fetchedAt };
  return element(
    "p",
    { class: "as-of" },
    isLastKnown ? "last known list, as of " : "as of ",
    element("time", time, clockTime(fetchedAt)),
  );
}
