// The command behind `npm start`. Says what takes time, and what to do next.
import { startDemo } from "./start-demo.mjs";

const port = Number(process.env.PORT ?? 0);

try {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`PORT should be a number from 0 to 65535, not "${process.env.PORT}".`);
  const { url, stop } = await startDemo({ port, onBuild: () => console.log("Building the page …") });
  console.log(`
  Device lists, live:  ${url}

  Open this address in a browser, and press the first button. Open it in a second tab, too.
  Nothing leaves this machine. Press Ctrl-C to stop.
`);
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      void stop().then(() => process.exit(0));
    });
  }
} catch (error) {
  const inUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  console.error(
    inUse
      ? `Port ${port} is in use. Choose another one (PORT=8080 npm start), or leave PORT out to use a free one.`
      : error instanceof Error
        ? error.message
        : error,
  );
  process.exit(1);
}
