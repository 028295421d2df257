import { Observable } from "rxjs";
import type { Departure, TakeOver } from "./tab-state.js";

/** What the demo's tabs send each other so that the page can say what happened. Which tab syncs does not depend on it. */
export type TabMessage =
  | Farewell
  /** From the tab that syncs from now on. */
  | { readonly type: "took-over"; readonly takeOver: TakeOver };

/** From the syncing tab, just before it stops; in ms since 1970, a clock that all tabs share. */
export interface Farewell {
  readonly type: "farewell";
  readonly departure: Departure;
  readonly at: number;
}

export interface TabChannel {
  readonly messages$: Observable<TabMessage>;
  send(message: TabMessage): void;
  close(): void;
}

/** Opens the demo's own channel between tabs. If the browser denies it, it is silent. */
export function openTabChannel(name: string): TabChannel {
  const channel = openChannel(`demo/${name}`);
  return {
    messages$: new Observable((subscriber) => {
      const receive = ({ data }: MessageEvent<TabMessage>) => subscriber.next(data);
      channel?.addEventListener("message", receive);
      return () => channel?.removeEventListener("message", receive);
    }),
    send: (message) => channel?.postMessage(message),
    close: () => channel?.close(),
  };
}

function openChannel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}
