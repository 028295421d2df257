import type { Page } from "playwright";
import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import type { DemoPage } from "./demo-page.js";
import { it } from "./demo-test.js";
import { ALICE, BOB, CAROL, DAVE } from "./users.js";

/** The kitchen, opened. */
class RoomOnPage {
  readonly page: Page;

  private constructor(readonly demo: DemoPage) {
    this.page = demo.page;
  }

  static async open(demo: DemoPage): Promise<RoomOnPage> {
    await demo.page.locator("#room-open").click();
    await demo.sees("[data-plan]");
    return new RoomOnPage(demo);
  }

  press(userId: string, slot: "we" | "they" | "log-in" | "log-out"): Promise<void> {
    return this.page.locator(`[data-member="${userId}"] [data-act="${slot}"]`).click();
  }

  /** Waits for the plan, and for the numbers of devices that would get a message and be given its key. */
  async plans(plan: "first" | "rotate" | "share" | "ready", devices: number, share: number): Promise<void> {
    await this.demo.sees(`[data-plan="${plan}"][data-devices="${devices}"][data-share="${share}"]`);
    const shown = async () => {
      const states = await this.demo.attributes("#room-members [data-key]", "data-key");
      return ["gets", "has"].map((state) => states.filter((one) => one === state).length);
    };
    await expect.poll(shown, eventually).toEqual([share, devices - share]);
  }

  /** Waits until a new key would be made for these reasons. */
  rotates(...reasons: readonly string[]): Promise<void> {
    const shown = () => this.page.locator("[data-rotate]").allTextContents();
    return expect.poll(shown, eventually).toEqual(reasons);
  }

  member(userId: string, membership: "joined" | "invited" | "gone"): Promise<void> {
    return this.demo.sees(`[data-member="${userId}"][data-membership="${membership}"]`);
  }

  /** Waits until a user's devices, and what they get, are these. */
  devices(userId: string, ...expected: readonly string[]): Promise<void> {
    const shown = () =>
      this.page
        .locator(`[data-member="${userId}"] [data-key]`)
        .evaluateAll((items) => items.map((item) => Array.from(item.children, (part) => part.textContent).join(" ")));
    return expect.poll(shown, eventually).toEqual(expected);
  }

  /** Sends a message with the keyboard, and returns what is said of it. */
  async send(text: string): Promise<string> {
    await this.page.locator("#room-text").fill(text);
    await this.page.keyboard.press("Enter");
    const item = this.page.locator("#room-sent li").first();
    await item.locator("q", { hasText: text }).waitFor();
    return (await item.locator("small").allTextContents()).join(" ");
  }
}

describe.skipIf(isSkipped)("the demo's room", { timeout: 60_000 }, () => {
  it("gives the key to all devices once, and then to new ones only", async ({ demo }) => {
    const room = await RoomOnPage.open(demo);
    await room.plans("first", 6, 6);
    await room.devices(BOB, "Bob’s phone gets the key", "Bob’s laptop gets the key");
    expect(await room.send("Hello")).toBe("Key 1, message 1: given to 6 devices.");
    await room.plans("ready", 6, 0);
    await room.devices(ALICE, "Alice’s phone has the key");

    await room.press(BOB, "log-in");
    await room.plans("share", 7, 1);
    await room.devices(BOB, "Bob’s phone has the key", "Bob’s laptop has the key", "Bob’s tablet gets the key");
    expect(await room.send("Hello, tablet")).toBe("Key 1, message 2: given to Bob’s tablet.");
    await room.plans("ready", 7, 0);
    expect(await room.send("Bye")).toBe("Key 1, message 3: given to no more devices.");
    demo.isWell();
  });

  it("says why a device is left out, and that it must not have the key any more", async ({ demo }) => {
    const room = await RoomOnPage.open(demo);
    await room.send("Hello");
    await demo.page.getByLabel("only cross-signed").check();
    await room.devices(
      DAVE,
      "Dave’s phone left out: its owner has not signed it",
      "Dave’s laptop left out: its owner has not signed it",
    );
    await room.rotates(
      "Dave’s phone gets no more messages: its owner has not signed it.",
      "Dave’s laptop gets no more messages: its owner has not signed it.",
    );
    await room.plans("rotate", 4, 4);
    await demo.page.getByLabel("all signed devices").check();
    await room.plans("ready", 6, 0);
    demo.isWell();
  });

  it("makes a new key when a device or a user who has it is gone", async ({ demo }) => {
    const room = await RoomOnPage.open(demo);
    await room.send("Hello");
    await room.press(BOB, "log-out");
    await room.rotates("Bob’s laptop was logged out.");
    await room.plans("rotate", 5, 5);
    await room.press(CAROL, "they");
    await room.rotates("carol has left.", "Bob’s laptop was logged out.");
    await room.press(DAVE, "we"); // removed by us
    await room.member(DAVE, "gone");
    await room.rotates("carol has left.", "dave has left.", "Bob’s laptop was logged out.");
    await room.plans("rotate", 2, 2);
    expect(await room.send("We two")).toBe(
      "Key 2, message 1: given to Alice’s phone and Bob’s phone. New key, because carol has left, dave has left and Bob’s laptop was logged out.",
    );
    await room.plans("ready", 2, 0);

    await room.press(CAROL, "they");
    await room.member(CAROL, "joined");
    await room.plans("share", 3, 1);
    await room.send("Three");
    await room.press(CAROL, "they");
    await room.member(CAROL, "gone");
    await room.press(CAROL, "they"); // left and back: she may not read on with the key she had
    await room.member(CAROL, "joined");
    await room.rotates("carol has left.");
    demo.isWell();
  });

  it("makes a new key when a device has other keys, and after five messages", async ({ demo }) => {
    const room = await RoomOnPage.open(demo);
    await room.send("Hello");
    await demo.press("rekey-device");
    await room.rotates("Bob’s phone has other keys than before.");
    for (const text of ["1", "2", "3", "4", "5"]) expect(await room.send(text)).toContain(`Key 2, message ${text}:`);
    await room.rotates("the key was used for 5 messages, as many as the room allows.");
    expect(await room.send("6")).toContain("Key 3, message 1:");
    demo.isWell();
  });

  it("counts invited users unless the history is for members only", async ({ demo }) => {
    const room = await RoomOnPage.open(demo);
    await room.press(CAROL, "we");
    await room.member(CAROL, "gone");
    await room.plans("first", 5, 5);
    await room.press(CAROL, "we");
    await room.member(CAROL, "invited");
    await room.plans("first", 6, 6);
    await demo.sees("#room-plan [data-uncertain]");
    await room.send("Welcome");

    // When the page was opened, when she was invited, for the message, and once more by the watcher.
    const answered = demo.page.locator(`[data-bar="${CAROL}"]:not([data-end="open"])`);
    await expect.poll(() => answered.count(), eventually).toBe(4);
    const loggedIn = demo.page.waitForResponse("**/control/add-device");
    await room.press(CAROL, "log-in"); // which is not announced, and found when the next message is sent
    await loggedIn;
    expect(await room.send("And to your laptop")).toContain("given to Carol’s laptop.");
    await room.devices(CAROL, "Carol’s phone has the key", "Carol’s laptop has the key");
    await room.press(BOB, "log-in");
    await room.plans("share", 8, 1);
    await demo.page.getByLabel("Those who join later can read").selectOption("joined");
    await room.rotates(
      "those who join later may no longer read what is sent from now on.",
      "carol is only invited, and only members may read now.",
    );
    await room.devices(CAROL);
    await room.plans("rotate", 6, 6);
    await room.send("Members only");

    await room.press(CAROL, "they");
    await room.member(CAROL, "joined");
    await room.plans("share", 8, 2);
    await demo.standing(CAROL, "current");
    demo.isWell();
  });

  it("is left and joined again, with a new key", async ({ demo }) => {
    const room = await RoomOnPage.open(demo);
    await room.send("Hello");
    await room.press(ALICE, "we");
    await demo.sees('[data-plan="none"]');
    for (const user of [BOB, CAROL, DAVE]) await demo.standing(user, "untracked");
    expect(await demo.page.locator("#room-form").isVisible()).toBe(false);
    expect(await demo.page.locator("[data-member]:visible").count()).toBe(1);
    await room.press(ALICE, "we");
    await room.plans("rotate", 6, 6);
    for (const user of [BOB, CAROL, DAVE]) await demo.standing(user, "current");
    expect(await room.send("Back")).toContain("Key 2, message 1: given to 6 devices.");
    demo.isWell();
  });

  it("counts our own removals and invitations before sync shows them", async ({ demo }) => {
    const room = await RoomOnPage.open(demo);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await demo.page.route("**/sync?*", (route) => released.then(() => route.continue()));
    await room.press(BOB, "log-in"); // ends the poll in flight; the next one is held
    await room.plans("first", 7, 7);
    await room.press(CAROL, "we");
    await room.member(CAROL, "gone");
    await room.press(CAROL, "we");
    await room.member(CAROL, "invited");
    await demo.standing(CAROL, "untracked");
    release();
    await room.press(CAROL, "they");
    await room.member(CAROL, "joined");
    demo.isWell();
  });

  it("shows in another tab what this one does, and begins anew with the homeserver", async ({ demo }) => {
    const room = await RoomOnPage.open(demo);
    const other = await demo.another();
    const there = await RoomOnPage.open(other);
    await room.send("Hello");
    await there.press(CAROL, "we");
    for (const one of [room, there]) await one.member(CAROL, "gone");
    await room.rotates("carol has left.");
    await there.plans("first", 5, 5); // it has sent nothing
    await other.page.locator("#start-over").click();
    for (const one of [room, there]) await one.plans("first", 6, 6);
    expect(await demo.page.locator("#room-sent li").count()).toBe(0);
    for (const tab of [demo, other]) tab.isWell();
  });

  it("works by keyboard, keeps the focus, and fits a phone", async ({ demo }) => {
    const { page } = demo;
    await page.locator("#room-open").focus();
    await page.keyboard.press("Enter");
    const focused = () => page.evaluate(() => document.activeElement?.ariaLabel ?? document.activeElement?.id);
    expect(await focused()).toBe("room-text");
    await demo.sees("[data-plan]");
    await page.keyboard.type("Hello");
    await page.keyboard.press("Enter");
    await demo.sees('[data-plan="ready"]');
    await page.keyboard.press("Tab"); // Send
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Remove bob");
    await page.keyboard.press("Enter");
    await demo.sees('[data-rotate="user-left"]');
    expect(await focused()).toBe("Invite bob");
    expect(await page.locator("#room-plan").getAttribute("aria-live")).toBe("polite");
    await demo.page.getByLabel("only cross-signed").check();
    await demo.fits(320, 390, 820, 1440);
    await page.locator("#room-open").click();
    expect(await page.locator("#recipients").isVisible()).toBe(true);
    demo.isWell();
  });

  it("is not there with another homeserver", async ({ demo }) => {
    await RoomOnPage.open(demo);
    await demo.connect({});
    await demo.page.locator("#others").waitFor({ state: "hidden" });
    await demo.standing(BOB, "current");
    expect(await demo.page.locator("#room, #room-open").filter({ visible: true }).count()).toBe(0);
    await demo.sees("#recipients [data-devices]");
    demo.isWell();
  });
});
