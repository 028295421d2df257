import { map } from "rxjs";
import { describe, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import type { SetUp } from "../support/set-up.js";
import { curveName, edName, keyOf, listOf, signed, together, type SignedProperties } from "../support/signed.js";
import { localpart } from "../support/summary.js";
import { trusting, trustingAgain, type Trusting } from "../support/trusting.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { changed, left } from "../support/wire.js";

const bobs = (...devices: readonly (readonly [deviceId: string, properties?: SignedProperties])[]) =>
  listOf(BOB, ...devices.map(([deviceId, properties]) => signed(BOB, deviceId, properties)));
const B1 = bobs(["B1"]);
const CURVE = curveName(BOB, "B1");
const NONE: readonly string[] = [];

/** `findDevice` in a line for each device. The key is that of this name. */
const find =
  ({ tracker }: Pick<Trusting, "tracker">) =>
  (name: string, algorithm = "curve25519") =>
    tracker
      .findDevice(algorithm, keyOf(name))
      .pipe(map((claimants) => claimants.map(({ userId, deviceId }) => `${localpart(userId)} ${deviceId}`)));

function finding(m: Marbles, options: SetUp = {}) {
  const under = trusting(m, options);
  /** Fetches users at each of these frames. */
  const ask = (timing: string, users: readonly string[] = [BOB]) => {
    m.acts(timing, { q: () => under.fetch(...users).subscribe() });
  };
  return { ...under, find$: find(under), ask };
}

describe("findDevice", () => {
  it(
    "finds a device by each of its keys once its list is saved",
    marbles((m) => {
      const { publish, find$, ask } = finding(m);
      publish("-a", { a: B1 });
      ask("    -q");
      m.expectObservable(find$(CURVE), "^--").toBe("(x|)", { x: NONE });
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(edName(BOB, "B1"), "ed25519"), "--^").toBe("--(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(CURVE, "ed25519"), "--^").toBe("--(x|)", { x: NONE });
      m.expectObservable(find$("other"), "--^").toBe("--(x|)", { x: NONE });
    }),
  );

  it.each(["signed_curve25519", "", "__proto__", "constructor"])("finds nothing by the algorithm %j", (algorithm) => {
    marbles((m) => {
      const { publish, find$, ask } = finding(m);
      publish("a", { a: B1 });
      ask("q");
      m.expectObservable(find$(CURVE, algorithm), "-^").toBe("-(x|)", { x: NONE });
    })();
  });

  it(
    "sends no query",
    marbles((m) => {
      const { publish, find$, expectQueries } = finding(m);
      publish("a", { a: B1 });
      m.expectObservable(find$(CURVE), "-^").toBe("-(x|)", { x: NONE });
      expectQueries();
    }),
  );

  it(
    "returns all users' devices that claim one key",
    marbles((m) => {
      const { publish, find$, ask } = finding(m);
      publish("a-b", { a: together(B1, listOf(CAROL, signed(CAROL, "C1", { curve: CURVE }))), b: listOf(CAROL) });
      ask("q");
      ask("-q-q", [CAROL]);
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1", "carol C1"] });
      m.expectObservable(find$(CURVE), "----^").toBe("----(x|)", { x: ["bob B1"] });
    }),
  );

  it(
    "returns them also if one answer brings them",
    marbles((m) => {
      const { publish, find$, ask } = finding(m);
      publish("a", { a: together(B1, listOf(CAROL, signed(CAROL, "C1", { curve: CURVE }))) });
      ask("q", [BOB, CAROL]);
      m.expectObservable(find$(CURVE), "-^").toBe("-(x|)", { x: ["bob B1", "carol C1"] });
    }),
  );

  it(
    "finds neither of a user's two devices with one curve25519 key",
    marbles((m) => {
      const { publish, find$, ask } = finding(m);
      publish("ab", { a: B1, b: bobs(["B1"], ["B2", { curve: CURVE }]) });
      ask("qq");
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: NONE });
    }),
  );

  it(
    "follows changed keys, and keeps the key of a device that was refused",
    marbles((m) => {
      const { publish, find$, ask } = finding(m);
      const swapped = bobs(["B1", { curve: "next" }], ["B2", { key: "evil", curve: "evilcurve" }]);
      publish("ab", { a: bobs(["B1"], ["B2"]), b: swapped });
      ask("qq");
      for (const name of [CURVE, "evilcurve"]) m.expectObservable(find$(name), "--^").toBe("--(x|)", { x: NONE });
      m.expectObservable(find$("next"), "--^").toBe("--(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(curveName(BOB, "B2")), "--^").toBe("--(x|)", { x: ["bob B2"] });
    }),
  );

  it(
    "follows deleted devices, and a key that moves from one device to another",
    marbles((m) => {
      const { publish, find$, ask } = finding(m);
      publish("ab-c", { a: B1, b: bobs(["B2", { curve: CURVE }]), c: listOf(BOB) });
      ask("qq-q");
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B2"] });
      m.expectObservable(find$(edName(BOB, "B1"), "ed25519"), "--^").toBe("--(x|)", { x: NONE });
      m.expectObservable(find$(CURVE), "----^").toBe("----(x|)", { x: NONE });
    }),
  );

  it(
    "forgets users who left, in a tab without their list in memory as well",
    marbles((m) => {
      const first = finding(m, { sync$: m.hot("--x", { x: left(BOB) }) });
      first.publish("a", { a: B1 });
      first.ask("q");
      const second = { find$: find(trustingAgain(m, first)) };
      for (const { find$ } of [first, second]) {
        m.expectObservable(find$(CURVE), "-^-").toBe("-(x|)", { x: ["bob B1"] });
        m.expectObservable(find$(CURVE), "---^").toBe("---(x|)", { x: NONE });
      }
    }),
  );

  it(
    "finds devices of outdated lists, and none of lists that were not saved",
    marbles((m) => {
      const { publish, find$, ask } = finding(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      publish("a", { a: together(B1, listOf(DAVE, signed(DAVE, "D1"))) });
      ask("q", [BOB, DAVE]);
      m.expectObservable(find$(CURVE), "--^").toBe("--(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(curveName(DAVE, "D1")), "--^").toBe("--(x|)", { x: NONE });
    }),
  );

  it(
    "finds no unsigned device that was saved before the application refused those",
    marbles((m) => {
      const first = finding(m);
      first.publish("a", { a: bobs(["B1"], ["B2", { signed: false }]) });
      first.ask("q");
      const find$ = find(trustingAgain(m, first, { unsignedDevices: "refuse" }));
      m.expectObservable(find$(CURVE), "-^").toBe("-(x|)", { x: ["bob B1"] });
      m.expectObservable(find$(curveName(BOB, "B2")), "-^").toBe("-(x|)", { x: NONE });
    }),
  );
});
