import { filter, fromEvent, map, type Observable } from "rxjs";

/**
 * A message between the candidates for one lock. It does not name its sender: only the browser knows which tab holds
 * the lock.
 *
 * - `ask`: is the leader alive?
 * - `here`: the leader's answer.
 * - `deposing`: the leader has not answered, and the sender is taking the lock from it.
 */
export type Signal = "ask" | "here" | "deposing";

const SIGNALS: ReadonlySet<unknown> = new Set<Signal>(["ask", "here", "deposing"]);

/** Reaches every other candidate, in this tab or another, but not the sender. */
export interface Channel {
  readonly signals$: Observable<Signal>;
  send(signal: Signal): void;
  close(): void;
}

/** Opens the channel. Throws if the browser has or allows none. */
export function openChannel(name: string): Channel {
  const channel = new BroadcastChannel(`matrix-device-tracker/tabs/${name}`);
  return {
    signals$: fromEvent<MessageEvent<unknown>>(channel, "message").pipe(
      map(({ data }) => data),
      filter(isSignal),
    ),
    send: (signal) => {
      channel.postMessage(signal);
    },
    close: () => {
      channel.close();
    },
  };
}

/** Tabs may run different versions of the application, so unknown messages are ignored. */
function isSignal(data: unknown): data is Signal {
  return SIGNALS.has(data);
}
