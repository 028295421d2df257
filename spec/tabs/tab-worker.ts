/** The worker in `in-one-tab.browser.spec.ts`: posts a message when it subscribes. Its name is that of the lock. */
import { defer, NEVER } from "rxjs";
import { inOneTab } from "matrix-device-tracker/tabs";

const source$ = defer(() => {
  postMessage("subscribed");
  return NEVER;
});
source$.pipe(inOneTab(self.name)).subscribe();
