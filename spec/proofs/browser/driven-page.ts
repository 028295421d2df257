import type { BrowserContext, CDPSession, Page } from "playwright";
import type { ProofPage, Told } from "./told.js";

/** A page of the proofs, driven past all that Playwright waits for: it may be frozen, or be killed in the middle of anything. */
export interface DrivenPage {
  readonly page: Page;
  readonly cdp: CDPSession;
  /** Has it do something, and waits for what it comes to. */
  run<K extends keyof ProofPage>(
    what: K,
    ...with_: Parameters<ProofPage[K]>
  ): Promise<Awaited<ReturnType<ProofPage[K]>>>;
}

/** Opens a page; whatever it tells is heard in the order in which it happened. */
export async function openDrivenPage(
  context: BrowserContext,
  url: string,
  hear: (told: Told, tab: string) => void,
): Promise<DrivenPage> {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  cdp.on("Runtime.bindingCalled", ({ name, payload }) => {
    if (name !== "tell") return;
    const [tab, told] = JSON.parse(payload) as [string, Told];
    hear(told, tab);
  });
  await cdp.send("Runtime.enable");
  await cdp.send("Runtime.addBinding", { name: "tell" });
  await page.goto(url);
  return {
    page,
    cdp,
    run: async (what, ...with_) => {
      const expression = `proof[${JSON.stringify(what)}](...${JSON.stringify(with_)})`;
      const { result, exceptionDetails } = await cdp.send("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      if (exceptionDetails !== undefined)
        throw new Error(`${what}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
      return result.value as never;
    },
  };
}
