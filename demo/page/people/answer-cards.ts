import { catchError, EMPTY, exhaustMap, filter, finalize, merge, mergeMap, share, type Observable } from "rxjs";
import { showChain, type ChainDialog } from "../chain/show-chain.js";
import type { Session } from "../session/open-session.js";
import { messageOf } from "../words/message-of.js";
import { buttonOf, cardActions, type CardAction } from "./card-action.js";

/** Does what the buttons on the cards say. */
export function answerCards(
  { decisions, explain }: Session,
  cards: HTMLElement,
  dialog: ChainDialog,
  complain: (message: string) => void,
): Observable<unknown> {
  const actions$ = cardActions(cards).pipe(share());
  const decided$ = actions$.pipe(
    mergeMap((action) =>
      decide(decisions, action).pipe(
        catchError((error: unknown) => {
          complain(messageOf(error));
          return EMPTY;
        }),
      ),
    ),
  );
  const explained$ = actions$.pipe(
    filter(({ action }) => action === "explain"),
    exhaustMap((action) =>
      showChain(explain(action.userId, action.subject), dialog).pipe(
        // The browser puts the focus back on the button, unless its card was drawn again.
        finalize(() => buttonOf(cards, action)?.focus({ preventScroll: true })),
      ),
    ),
  );
  return merge(decided$, explained$);
}

function decide(
  { acknowledge, confirm, withdraw }: Session["decisions"],
  { action, userId, subject }: CardAction,
): Observable<never> {
  switch (action) {
    case "acknowledge":
      return acknowledge(userId, subject);
    case "confirm":
      return confirm(subject);
    case "withdraw":
      return withdraw(userId);
    default:
      return EMPTY;
  }
}
