// The command behind `npm start`. Prints the address of the page once it is served.
import { startDemo } from "./start-demo.mjs";

const port = Number(process.env.PORT ?? 0);

try {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`PORT should be a number from 0 to 65535, not "${process.env.PORT}".`);
  const { url, stop } = await startDemo({ port });
  console.log(
    `\n  Device lists, live:  ${url}\n\n  Open it in a browser. Nothing leaves this machine. Press Ctrl-C to stop.\n`,
  );
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
      ? `Port ${port} is in use. Choose another one (PORT=… npm start), or none: then a free one is used.`
      : error instanceof Error
        ? error.message
        : error,
  );
  process.exit(1);
}
