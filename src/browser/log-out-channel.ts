import { NEVER, Observable, switchMap } from "rxjs";
import { cached } from "../page/tab-life.js";

const LOG_OUT = "log-out";

/** Notifies the other connections of an account, in this tab and others, of a log-out. */
export class LogOutChannel {
  /** Emits when another connection logs the account out. Never completes. */
  readonly logOuts$: Observable<unknown>;
  readonly #name: string;

  constructor(userId: string) {
    this.#name = `matrix-device-tracker/browser/${userId}`;
    // The first message would evict a page with an open channel from the back/forward cache.
    this.logOuts$ = cached().pipe(switchMap((isCached) => (isCached ? NEVER : this.#received())));
  }

  send(): void {
    const channel = this.#open();
    channel?.postMessage(LOG_OUT);
    channel?.close();
  }

  #received(): Observable<unknown> {
    return new Observable((subscriber) => {
      const channel = this.#open();
      if (channel === undefined) return;
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (data === LOG_OUT) subscriber.next(data);
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
