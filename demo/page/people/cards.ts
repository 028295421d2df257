import { drawCard } from "./draw-card.js";
import type { Person } from "./person.js";
import type { Roster } from "./roster.js";

/** Shows one card for each user, in the diagram's order. A card is redrawn only if its user has changed. */
export function cardsIn(list: HTMLElement): (roster: Roster) => void {
  let drawn = new Map<Person, HTMLElement>();
  return (roster) => {
    drawn = new Map([...roster.values()].map((person) => [person, drawn.get(person) ?? drawCard(person)]));
    [...drawn.values()].forEach((card, i) => put(list, i, card));
    while (list.children.length > drawn.size) list.lastElementChild?.remove();
  };
}

/** Replaces only cards that have changed. */
function put(list: HTMLElement, i: number, card: HTMLElement): void {
  const old = list.children[i];
  if (old === card) return;
  if (old === undefined) {
    list.append(card);
    return;
  }
  const { activeElement: focused } = document;
  const isOpen = old.querySelector("details")?.open ?? false;
  const part = old.contains(focused) && focused instanceof HTMLElement ? (focused.dataset.part ?? "") : undefined;
  old.replaceWith(card);
  card.querySelector("details")?.toggleAttribute("open", isOpen);
  if (part !== undefined) focusOn(card, part);
}

/** Keeps the focus on the same part of a card; if it is gone, on the card's title. */
function focusOn(card: HTMLElement, part: string): void {
  const parts = [...card.querySelectorAll<HTMLElement>("[data-part]")];
  (parts.find(({ dataset }) => dataset.part === part) ?? card.querySelector<HTMLElement>("h3"))?.focus();
}
