import { defer } from "rxjs";
import { NO_SYNC, SYNC } from "../../store/records.js";
import { emits, inTurn, type StorePromise, write } from "./steps.js";

export const syncToken: readonly StorePromise[] = [
  {
    title: "syncToken$ is read at each subscription",
    steps: (store) => {
      const token$ = defer(() => store.syncToken$);
      return inTurn(
        emits(token$, undefined),
        write(store, [[SYNC, { ...NO_SYNC, token: "s1" }]]),
        emits(token$, "s1"),
        write(store, [[SYNC, { ...NO_SYNC, token: "s2" }]]),
        emits(token$, "s2"),
        store.clear(),
        emits(token$, undefined),
      );
    },
  },
  {
    title: "syncToken$ is the same in other stores on the same data",
    steps: (store, reopen) =>
      inTurn(write(store, [[SYNC, { ...NO_SYNC, token: "s1" }]]), emits(reopen().syncToken$, "s1")),
  },
  {
    title: "syncToken$ is undefined if its record is damaged",
    steps: (store) => inTurn(write(store, [[SYNC, { token: 7 }]]), emits(store.syncToken$, undefined)),
  },
];
