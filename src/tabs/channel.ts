import { fromEvent, map, mergeMap, share, type Observable } from "rxjs";
import type { DescribedError } from "./other-tab-error.js";

/** What the candidates for one source say to each other. None says who sends it: who leads is the lock's business. */
export type Message<T> = News<T> | Talk<T>;

/** From the leader, to be handed on: what its source did. */
export type News<T> =
  | { readonly type: "value"; readonly value: T }
  | { readonly type: "error"; readonly error: DescribedError }
  | { readonly type: "complete" };

/** About leading. Of no use to a tab that is asleep. */
export type Talk<T> =
  /** To the leader: are you there? With `last`: and what did you emit last? */
  | { readonly type: "ask"; readonly last: boolean }
  /** From the leader: I am. */
  | { readonly type: "here" }
  /** From the leader: I am, and this is what I emitted last. */
  | { readonly type: "last"; readonly value: T }
  /** To everybody: the leader does not answer, I take the lock from it. */
  | { readonly type: "deposing" };

const TYPES: ReadonlySet<unknown> = new Set<Message<unknown>["type"]>([
  "value",
  "error",
  "complete",
  "ask",
  "here",
  "last",
  "deposing",
]);

/** The candidates of all tabs, of this one too: everybody but oneself hears what one says. */
export interface Channel<T> {
  readonly messages$: Observable<Message<T>>;
  /** Throws where the message cannot be cloned. */
  post(message: Message<T>): void;
  close(): void;
}

/** Opens the channel; throws where the browser denies it. */
export function openChannel<T>(topic: string): Channel<T> {
  const channel = new BroadcastChannel(topic);
  return {
    messages$: fromEvent<MessageEvent<unknown>>(channel, "message").pipe(
      map(({ data }) => data),
      mergeMap((data) => (isMessage<T>(data) ? [data] : [])),
      share(), // one listener; nothing is kept, so nothing is to be reset
    ),
    post: (message) => {
      channel.postMessage(message);
    },
    close: () => {
      channel.close();
    },
  };
}

/** Tabs may run different versions of the application: what is not understood is not for us. */
function isMessage<T>(data: unknown): data is Message<T> {
  return typeof data === "object" && data !== null && "type" in data && TYPES.has(data.type);
}

export function isNews<T>(message: Message<T>): message is News<T> {
  return message.type === "value" || message.type === "error" || message.type === "complete";
}
