import { defer, finalize, type Observable } from "rxjs";
import type { DeviceStore } from "../../../src/store/device-store.js";

/** A store that tells, at each beginning and end, how many of its operations are under way. */
export function toldStore(
  store: DeviceStore,
  tell: (underWay: { readonly reading: number; readonly updating: number }) => void,
): DeviceStore {
  const underWay = { reading: 0, updating: 0 };
  const told = <T>(kind: keyof typeof underWay, operation$: Observable<T>): Observable<T> =>
    defer(() => {
      underWay[kind]++;
      tell({ ...underWay });
      return operation$;
    }).pipe(
      finalize(() => {
        underWay[kind]--;
        tell({ ...underWay });
      }),
    );
  return {
    syncToken$: told("reading", store.syncToken$),
    clear: () => told("updating", store.clear()),
    read: (keys) => told("reading", store.read(keys)),
    readKinds: (kinds) => told("reading", store.readKinds(kinds)),
    update: (keys, change) => told("updating", store.update(keys, change)),
  };
}
