import { Observable } from "rxjs";
import type { Departure, TakeOver } from "./tab-state.js";

/** What the demo's tabs tell each other of who syncs, only so that the page can say what happened: who syncs does not depend on it. */
export type TabMessage =
  | Farewell
  /** From the tab that syncs from now on. */
  | { readonly type: "took-over"; readonly takeOver: TakeOver };

/** From the tab that syncs, in its last moment; in ms since 1970, which all tabs count alike. */
export interface Farewell {
  readonly type: "farewell";
  readonly departure: Departure;
  readonly at: number;
}

export interface TabTalk<T> {
  readonly messages$: Observable<T>;
  say(message: T): void;
  close(): void;
}

/** Opens the demo's own channel between the tabs of a name. Where the browser denies it, nobody hears anything. */
export function openTabTalk<T>(name: string): TabTalk<T> {
  const channel = openChannel(`demo/${name}`);
  return {
    messages$: new Observable((subscriber) => {
      const hear = ({ data }: MessageEvent<T>) => subscriber.next(data);
      channel?.addEventListener("message", hear);
      return () => channel?.removeEventListener("message", hear);
    }),
    say: (message) => channel?.postMessage(message),
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
