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

/**
 * Replaces only cards that have changed, and keeps the focus: on the same element, or in the place of a removed one.
 */
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
