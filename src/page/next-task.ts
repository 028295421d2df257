/**
 * Resolves in a new task, so that the page can paint or handle a click first. A resolved promise would not do: its
 * callbacks run before the page gets its turn. Nor would a timer, which browsers delay by 4 ms, and by a second in a
 * hidden tab.
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
