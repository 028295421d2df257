import type { BrowserContext, CDPSession, Page } from "playwright";
import { expect } from "vitest";
import type { NumberedEvent, ProofPage } from "./page-events.js";

const eventually = { timeout: 20_000, interval: 10 };

/** A page of the proofs, driven without Playwright's waits: it may be frozen, or killed at any time. */
export interface DrivenPage {
  readonly page: Page;
  readonly cdp: CDPSession;
  /** Resolves once the page shows this URL, completely. */
  shows(url: string): Promise<void>;
  /** Calls a function of the page, and waits for its result. */
  run<K extends keyof ProofPage>(
    name: K,
    ...args: Parameters<ProofPage[K]>
  ): Promise<Awaited<ReturnType<ProofPage[K]>>>;
}

/** Opens a page; its events arrive in the order in which they happened. */
export async function openDrivenPage(
  context: BrowserContext,
  url: string,
  receive: (event: NumberedEvent, tab: string) => void,
): Promise<DrivenPage> {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  cdp.on("Runtime.bindingCalled", ({ name, payload }) => {
    if (name !== "report") return;
    const [tab, event] = JSON.parse(payload) as [string, NumberedEvent];
    receive(event, tab);
  });
  await cdp.send("Runtime.enable");
  await cdp.send("Runtime.addBinding", { name: "report" });
  await page.goto(url);
  const evaluate = async (expression: string) =>
    (await cdp.send("Runtime.evaluate", { expression, returnByValue: true })).result.value as unknown;
  return {
    page,
    cdp,
    shows: async (wanted) => {
      const state = () => evaluate('document.readyState + " " + location.href').catch(() => undefined); // between two pages
      await expect.poll(state, eventually).toBe(`complete ${wanted}`);
    },
    run: async (name, ...args) => {
      const expression = `proof[${JSON.stringify(name)}](...${JSON.stringify(args)})`;
      const { result, exceptionDetails } = await cdp.send("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      if (exceptionDetails !== undefined)
        throw new Error(`${name}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
      return result.value as never;
    },
  };
}
