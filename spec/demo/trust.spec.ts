import { describe, expect } from "vitest";
import { eventually, isSkipped } from "./chromium.js";
import { it } from "./demo-test.js";
import { ALICE, BOB, CAROL, DAVE } from "./users.js";

describe.skipIf(isSkipped)("trust in the demo", { timeout: 60_000 }, () => {
  it("shows a shield for each device, and the identity of each user", async ({ demo }) => {
    await demo.shields(BOB, "cross-signed", "cross-signed");
    await demo.shields(CAROL, "cross-signed");
    await demo.shields(DAVE, "self-signed", "self-signed");
    await demo.identity(BOB, "seen");
    await demo.identity(DAVE, "none");
    await demo.identity(ALICE, "unconfirmed");
    await demo.confirm();
    await demo.identity(CAROL, "verified");
    await demo.identity(BOB, "seen");
    expect(await demo.page.locator(`[data-user="${DAVE}"] [data-device]`).first().textContent()).toContain(
      "signed by itself only",
    );
    demo.isWell();
  });

  it("shows who has signed a new device", async ({ demo }) => {
    await demo.press("add-device");
    await demo.shields(BOB, "cross-signed", "cross-signed", "self-signed");
    await demo.press("sign-devices");
    await demo.shields(BOB, "cross-signed", "cross-signed", "cross-signed");
    await expect.poll(() => demo.changes(BOB), eventually).toContain("Now signed by bob: Bob’s tablet.");
    await demo.press("unsigned-device");
    await demo.shields(BOB, "cross-signed", "cross-signed", "cross-signed", "unsigned");
    await demo.pressAgain("unsigned-device", "Take");
    await demo.shields(BOB, "cross-signed", "cross-signed", "cross-signed");
    demo.isWell();
  });

  it("refuses other keys under a known ID, and keeps the device, even after a reload", async ({ demo }) => {
    const before = await demo.keys(BOB);
    await demo.press("swap-key");
    const refused = `[data-user="${BOB}"] [data-rejected][data-code="key-changed"][data-kept]`;
    await demo.sees(refused);
    expect(await demo.keys(BOB)).toEqual(before);
    await demo.shields(BOB, "cross-signed", "cross-signed");
    expect(await demo.page.locator(refused).textContent()).toMatch(
      /Bob’s phone.*another key than before.*The device is kept as it was/,
    );
    await expect
      .poll(() => demo.changes(BOB), eventually)
      .toContain(
        "Refused: Bob’s phone, because it has another key than before, and nothing proves that its owner made the change. The device is kept as it was.",
      );
    await expect
      .poll(() => demo.page.locator("#narration").textContent(), eventually)
      .toContain("bob: Refused: Bob’s phone");

    await demo.page.reload();
    await demo.sees(refused);
    expect(await demo.keys(BOB)).toEqual(before);
    await demo.pressAgain("swap-key", "true keys");
    await demo.seesNo(`[data-user="${BOB}"] [data-rejected]`);
    expect(await demo.keys(BOB)).toEqual(before);
    demo.isWell();
  });

  it("accepts other keys that the owner's identity has signed, and pins them", async ({ demo }) => {
    const [phone, laptop] = await demo.keys(BOB);
    await demo.press("rekey-device");
    await expect.poll(async () => (await demo.keys(BOB))[0], eventually).not.toBe(phone);
    expect((await demo.keys(BOB))[1]).toBe(laptop);
    await demo.shields(BOB, "cross-signed", "cross-signed");
    await demo.seesNo("[data-rejected]");
    await expect
      .poll(() => demo.changes(BOB), eventually)
      .toContain("New keys, signed by the identity of bob: Bob’s phone. The former keys are not accepted any more.");
    await expect
      .poll(() => demo.history(BOB), eventually)
      .toContain("Bob’s phone has new keys, signed by its owner’s identity.");
    await demo.sees('#recipients [data-devices="6"][data-left-out="0"]');

    await demo.press("swap-key"); // the new ones are as safe as the former ones were
    await demo.sees(`[data-user="${BOB}"] [data-rejected][data-code="key-changed"][data-kept]`);
    demo.isWell();
  });

  it("refuses a device with a forged signature, and no other", async ({ demo }) => {
    const before = await demo.keys(BOB);
    await demo.press("forge-signature");
    const refused = `[data-user="${BOB}"] [data-rejected][data-code="invalid-signature"]:not([data-kept])`;
    await demo.sees(refused);
    expect(await demo.page.locator(refused).textContent()).toMatch(
      /its own signature is invalid\. It gets no messages/,
    );
    expect(await demo.keys(BOB)).toEqual(before);
    await demo.pressAgain("forge-signature", "back");
    await demo.seesNo(`[data-user="${BOB}"] [data-rejected]`);
    demo.isWell();
  });

  it("attributes a key that two users claim to neither", async ({ demo }) => {
    await demo.press("claim-key");
    for (const user of [BOB, CAROL]) await demo.sees(`[data-user="${user}"] [data-contested]`);
    expect(await demo.page.locator(`[data-user="${CAROL}"] [data-contested]`).textContent()).toBe(
      "Bob’s second phone claims the same key: a message from it cannot be attributed.",
    );
    expect((await demo.transcript()).filter((line) => line.includes("claim the same key"))).toEqual([
      expect.stringMatching(/Carol’s phone and Bob’s second phone claim the same key: a message from it cannot be/),
    ]);
    await demo.pressAgain("claim-key", "Drop");
    await demo.seesNo("[data-contested]");
    demo.isWell();
  });

  it("lists each change once, and nothing for an answer that is the same", async ({ demo }) => {
    await expect.poll(() => demo.changes(DAVE), eventually).toEqual(["New: Dave’s phone and Dave’s laptop."]);
    await demo.press("force");
    await demo.sees('[data-query="2"][data-verdict="current"]');
    await demo.press("add-device");
    await expect.poll(() => demo.changes(BOB), eventually).toContain("New: Bob’s tablet.");
    await demo.press("remove-device");
    await expect.poll(() => demo.changes(BOB), eventually).toContain("Removed: Bob’s tablet.");
    expect((await demo.changes(BOB)).filter((text) => !text.startsWith("Identity"))).toEqual([
      "Removed: Bob’s tablet.",
      "New: Bob’s tablet.",
      "New: Bob’s phone and Bob’s laptop.",
    ]);
    const updates = (user: string) => demo.page.locator(`[data-update="${user}"]`).count();
    expect(await Promise.all([BOB, CAROL, DAVE, ALICE].map(updates))).toEqual([3, 1, 1, 1]);
    demo.isWell();
  });

  it("shows which devices would get a message, and why the others would not", async ({ demo }) => {
    const counts = (devices: number, leftOut: number) =>
      demo.sees(`#recipients [data-devices="${devices}"][data-left-out="${leftOut}"]`);
    const reasons = (user: string) => demo.attributes(`#recipients [data-whose="${user}"]`, "data-reason");
    await counts(6, 0);
    await demo.confirm();
    await demo.press("add-device");
    await counts(7, 0);
    await demo.press("forge-signature");
    await counts(7, 1);
    expect(await reasons(BOB)).toEqual(["rejected"]);
    await demo.page.getByLabel("only cross-signed").check();
    await counts(4, 4);
    expect(await reasons(BOB)).toEqual(["not-cross-signed", "rejected"]);
    expect(await reasons(DAVE)).toEqual(["not-cross-signed", "not-cross-signed"]);
    await demo.press("reset-identity");
    await counts(3, 5);
    expect(await reasons(CAROL)).toEqual(["identity-changed"]);
    await demo.page.locator(`[data-action="acknowledge"][data-whom="${CAROL}"]`).click();
    await demo.sees(`#recipients [data-whose="${CAROL}"][data-reason="verification-violated"]`);
    await counts(3, 5);
    await demo.page.getByRole("button", { name: "Go on without verification of carol" }).click();
    await counts(4, 4);
    await demo.press("server");
    await demo.sees(`#recipients [data-uncertain="1"]`);
    expect(await demo.page.locator("#recipients .uncertain").textContent()).toContain("dave");
    demo.isWell();
  });

  it("sends nothing to a device with another key, and nothing to an unsigned one", async ({ demo }) => {
    const reasons = () => demo.attributes(`#recipients [data-whose="${BOB}"]`, "data-reason");
    await demo.sees('#recipients [data-devices="6"][data-left-out="0"]');
    await demo.press("swap-key");
    await demo.sees('#recipients [data-devices="5"][data-left-out="1"]');
    expect(await reasons()).toEqual(["key-changed"]);
    await demo.press("unsigned-device");
    await demo.sees('#recipients [data-devices="5"][data-left-out="2"]');
    expect(await reasons()).toEqual(["key-changed", "unsigned"]);
    await demo.pressAgain("swap-key", "true keys");
    await demo.sees('#recipients [data-devices="6"][data-left-out="1"]');
    demo.isWell();
  });
});
