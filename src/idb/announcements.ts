import { type BehaviorSubject, filter, map, merge, NEVER, Observable, pairwise, share, Subject, switchMap } from "rxjs";
import { cached } from "../page/tab-life.js";

/**
 * The announcements of one database. Those of its own store are emitted directly; those of other stores, in this tab or
 * another, arrive through a BroadcastChannel. The channel stays open while there are subscribers, and is otherwise
 * opened only to send. Without BroadcastChannel (browsers before 2022), only the store's own announcements are emitted.
 *
 * Emits `undefined` when announcements may have been lost: when the tab wakes, and when a message cannot be read.
 */
export class Announcements {
  readonly commits$: Observable<unknown>;
  readonly #own$ = new Subject<unknown>();
  readonly #channelName: string;
  #channel: BroadcastChannel | undefined;

  constructor(databaseName: string, asleep$: BehaviorSubject<boolean>) {
    this.#channelName = `matrix-device-tracker/idb/${databaseName}`;
    // The first message would evict a page with an open channel from the back/forward cache.
    const received$ = cached().pipe(switchMap((isCached) => (isCached ? NEVER : this.#received())));
    const woken$ = asleep$.pipe(
      pairwise(),
      filter(([wasAsleep]) => wasAsleep),
      map(() => undefined),
    );
    this.commits$ = merge(this.#own$, received$, woken$).pipe(share());
  }

  /** Call it once the update is durable. Never throws: the update can no longer fail. */
  send(announcement: unknown): void {
    const channel = this.#channel ?? openChannel(this.#channelName);
    if (channel !== undefined) {
      post(channel, announcement);
      if (channel !== this.#channel) channel.close();
    }
    this.#own$.next(announcement);
  }

  #received(): Observable<unknown> {
    return new Observable((subscriber) => {
      const channel = openChannel(this.#channelName);
      if (channel === undefined) return;
      this.#channel = channel;
      channel.onmessage = ({ data }: MessageEvent<Message>) => {
        subscriber.next(data.announcement);
      };
      channel.onmessageerror = () => {
        subscriber.next(undefined);
      };
      return () => {
        this.#channel = undefined;
        channel.close();
      };
    });
  }
}

/** `announcement` is absent if it could not be sent. */
interface Message {
  readonly announcement?: unknown;
}

function openChannel(name: string): BroadcastChannel | undefined {
  try {
    const channel: BroadcastChannel & { unref?: () => unknown } = new BroadcastChannel(name);
    channel.unref?.(); // in Node, an open channel keeps the process alive
    return channel;
  } catch {
    return undefined;
  }
}

/** An announcement that cannot be cloned still shows that there was one. */
function post(channel: BroadcastChannel, announcement: unknown): void {
  const post = (message: Message) => {
    channel.postMessage(message);
  };
  try {
    post({ announcement });
  } catch {
    post({});
  }
}
