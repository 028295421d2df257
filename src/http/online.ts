import { fromEvent, NEVER, type Observable } from "rxjs";

/** Emits when the browser comes online; never in Node, which has no such event. */
export function online(): Observable<unknown> {
  return typeof globalThis.addEventListener === "function" ? fromEvent(globalThis, "online") : NEVER;
}
