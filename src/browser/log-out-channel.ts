import { NEVER, Observable, switchMap } from "rxjs";
import { cached } from "../page/tab-life.js";

/** A log-out has begun, or the store has been cleared. */
type LogOutMessage = "log-out" | "cleared";

/** Notifies the other connections of an account, in this tab and others, of a log-out. */
export class LogOutChannel {
  /** Emits what another connection sends. Never completes. */
  readonly messages$: Observable<LogOutMessage>;
  readonly #name: string;

  constructor(userId: string) {
    this.#name = `matrix-device-tracker/browser/${userId}`;
    // A page with an open channel is evicted from the back/forward cache by the first message.
    this.messages$ = cached().pipe(switchMap((isCached) => (isCached ? NEVER : this.#received())));
  }

  send(message: LogOutMessage): void {
    const channel = this.#open();
    channel?.postMessage(message);
    channel?.close();
  }

  #received(): Observable<LogOutMessage> {
    return new Observable((subscriber) => {
      const channel = this.#open();
      if (channel === undefined) return;
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (data === "log-out" || data === "cleared") subscriber.next(data);
      };
      return () => {
        channel.close();
      };
    });
  }

  #open(): BroadcastChannel | undefined {
    try {
      return new BroadcastChannel(this.#name);
    } catch {
      return undefined; // an old browser: other tabs find the store cleared
    }
  }
}
