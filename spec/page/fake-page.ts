import { vi } from "vitest";

/** A page in Node that a test can put to sleep, as in `page.document.dispatchEvent(new Event("freeze"))`. `vi.unstubAllGlobals()` removes it. */
export function fakePage(): { readonly document: EventTarget; readonly window: EventTarget } {
  const page = { document: new EventTarget(), window: new EventTarget() };
  vi.stubGlobal("document", page.document);
  vi.stubGlobal("addEventListener", page.window.addEventListener.bind(page.window));
  vi.stubGlobal("removeEventListener", page.window.removeEventListener.bind(page.window));
  return page;
}
