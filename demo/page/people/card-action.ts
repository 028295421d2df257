import { filter, fromEvent, map, type Observable } from "rxjs";
import type { UserId } from "matrix-device-tracker";
import { element } from "../dom/element.js";

/** A button on a card, and what it is about: a master key, or the ID of a device. */
export interface CardAction {
  readonly action: "acknowledge" | "confirm" | "withdraw" | "explain";
  readonly userId: UserId;
  readonly subject: string;
}

/**
 * @param label for screen readers, if the text says too little without what is around it
 */
export function actionButton(
  { action, userId, subject }: CardAction,
  { label, ...attributes }: { readonly label?: string; readonly class?: string; readonly title?: string },
  ...children: (Node | string)[]
): HTMLButtonElement {
  return element(
    "button",
    {
      type: "button",
      "data-part": `${action} ${subject}`,
      "data-action": action,
      "data-whom": userId,
      "data-subject": subject,
      "aria-label": label,
      ...attributes,
    },
    ...children,
  );
}

/** Emits when a button on a card is pressed. */
export function cardActions(cards: HTMLElement): Observable<CardAction> {
  return fromEvent(cards, "click").pipe(
    map(({ target }) =>
      target instanceof Element ? target.closest<HTMLElement>("[data-action]")?.dataset : undefined,
    ),
    filter((data) => data !== undefined),
    map(({ action, whom: userId = "", subject = "" }) => ({
      action: action as CardAction["action"],
      userId,
      subject,
    })),
  );
}

/** The button on a card, which may have been drawn again. */
export function buttonOf(cards: HTMLElement, { action, userId, subject }: CardAction): HTMLElement | undefined {
  return [...cards.querySelectorAll<HTMLElement>("[data-action]")].find(
    ({ dataset }) => dataset.action === action && dataset.whom === userId && dataset.subject === subject,
  );
}
