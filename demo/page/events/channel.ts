import { Observable } from "rxjs";

/** Messages between the demo's tabs. */
export interface Channel<T> {
  readonly messages$: Observable<T>;
  send(message: T): void;
  close(): void;
}

/** Opens a channel of the demo's own. If the browser denies it, it is silent. */
export function openChannel<T>(name: string): Channel<T> {
  const channel = broadcastChannel(`demo/${name}`);
  return {
    messages$: new Observable((subscriber) => {
      const receive = ({ data }: MessageEvent<T>) => subscriber.next(data);
      channel?.addEventListener("message", receive);
      return () => channel?.removeEventListener("message", receive);
    }),
    send: (message) => channel?.postMessage(message),
    close: () => channel?.close(),
  };
}

function broadcastChannel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}
