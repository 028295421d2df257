import { fromEvent, map, startWith, type Observable } from "rxjs";
import type { RecipientPolicy } from "matrix-device-tracker";

/** The chosen policy, now and from each change on. */
export function chosenPolicy(policy: HTMLElement): Observable<NonNullable<RecipientPolicy["devices"]>> {
  return fromEvent(policy, "change").pipe(
    startWith(undefined),
    map(() => (policy.querySelector<HTMLInputElement>(":checked")?.value === "cross-signed" ? "cross-signed" : "all")),
  );
}
