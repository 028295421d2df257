/**
 * Lets the page do what it has to (paint, answer a click) before we go on: resolves in a task of its own. A resolved promise would not do, for the page waits
 * until all of those are done; nor a timer, which browsers make wait 4 ms, and a second in a hidden tab.
 */
export async function nextTask(): Promise<void> {
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close(); // in Node, an open port keeps the process alive
      resolve();
    };
    port2.postMessage(undefined);
  });
}
