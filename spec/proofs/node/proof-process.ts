/** A process of Node that is killed: a driven tracker on a levelStore. Its arguments: homeserver, user, location. */
import { Observable } from "rxjs";
import type { DeviceStore } from "matrix-device-tracker";
import { levelStore } from "matrix-device-tracker/level";
import { drivenTracker } from "../browser/driven-tracker.js";
import type { PageEvent } from "../browser/page-events.js";
import type { Command, Message } from "./messages.js";

const [homeserverUrl = "", userId = "", location = ""] = process.argv.slice(2);

/** Written to the pipe within this call: what happened before the process is killed arrives. */
const send = (message: Message) => void process.send?.(message);
let reports = 0;
const report = (event: PageEvent) => send({ event: [++reports, event] });
const reportError = (error: unknown) => report({ type: "error", message: String(error) });
process.on("uncaughtException", reportError);
process.on("unhandledRejection", reportError);
process.on("disconnect", () => process.exit());

/** The store; it reports how many updates are open. */
function observed(store: DeviceStore): DeviceStore {
  let open = 0;
  const count = (change: number) => report({ type: "transactions", open: (open += change) });
  return {
    ...store,
    update: (keys, change) =>
      new Observable((subscriber) => {
        count(1);
        subscriber.add(() => count(-1));
        subscriber.add(store.update(keys, change).subscribe(subscriber));
      }),
  };
}

report({ type: "started" });
const proof = drivenTracker({ homeserverUrl, userId, store: observed(levelStore(location)), report });
process.on("message", ({ id, name, args }: Command) => {
  const functions = proof as unknown as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
  Promise.resolve(functions[name]?.(...args)).then((result) => send({ id, result }), reportError);
});
send({ id: 0, result: undefined });
