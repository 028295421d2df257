import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { startDemo } from "../../demo/start-demo.mjs";

/** Runs the command behind `npm start` until it has printed this. */
async function startPrinting(pattern: RegExp, port = "") {
  const env = { ...process.env, ...(port !== "" && { PORT: port }) };
  const child = spawn(process.execPath, ["demo/start.mjs"], { env });
  const exited = once(child, "exit");
  let output = "";
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const found = pattern.exec(output);
        if (found !== null) resolve(found);
      });
    }
    child.once("exit", () => reject(new Error(`it ended, having printed: ${output}`)));
  });
  return { match, child, exited };
}

describe("npm start", () => {
  it("prints the address of the page, serves it, and stops at Ctrl-C", async () => {
    const { match, child, exited } = await startPrinting(/http:\/\/127\.0\.0\.1:\d+\//u);
    const [url] = match;
    expect(await (await fetch(url)).text()).toContain("Which devices may read this?");
    child.kill("SIGINT");
    expect(await exited).toEqual([0, null]);
  });

  it("says what to do about a port that cannot be used", async () => {
    const { url, stop } = await startDemo();
    const inUse = await startPrinting(/Port \d+ is in use\. Choose another one/u, new URL(url).port);
    const wrong = await startPrinting(/PORT should be a number from 0 to 65535, not "nonsense"/u, "nonsense");
    for (const { exited } of [inUse, wrong]) expect(await exited).toEqual([1, null]);
    await stop();
  });
});
