import { throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SenderClaim } from "../../src/trust/sender-status.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { listKey, OWNER, STORE_FORMAT } from "../../src/store/records.js";
import { recipients } from "../../src/trust/recipients.js";
import { put, saved } from "../support/saved.js";
import { keyPair, signed, signedAccount, signedAnswer, withSignature } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";
import {
  alice,
  bob,
  chosen,
  confirmed,
  curveOf,
  honest,
  mallory,
  malloryKey,
  mallorysAlice,
  ours,
  phone,
  reasons,
  Scene,
  swapped,
  verifiedBob,
} from "../support/trust-scene.js";

describe("eight bogus signatures in our name", () => {
  let masterKey = bob.masterKey;
  for (let i = 0; i < 8; i++)
    masterKey = withSignature(masterKey, ALICE, keyPair(`bogus ${i}`).publicKey, "A".repeat(86));
  masterKey = signed(masterKey, ALICE, alice.userSigning);

  it.each([true, false])("do not hide the true one; our own list is unchanged: %j", (isUnchanged) => {
    const scene = new Scene();
    if (isUnchanged) scene.look(honest);
    scene.look(signedAnswer(ours, { account: bob, masterKey, devices: [phone] }));
    scene.tracker.confirmOwnIdentity(alice.master.publicKey).subscribe();
    let isVerified: boolean | undefined;
    scene.tracker.getKnownDeviceKeys([BOB]).subscribe((users) => (isVerified = users.get(BOB)?.identity.verified));
    expect(isVerified).toBe(true);
  });
});

describe("a server cannot make a user verified", () => {
  const invented = signedAnswer(
    { account: mallorysAlice },
    { account: mallory, masterKey: signed(mallory.masterKey, ALICE, mallorysAlice.userSigning) },
  );

  it("with an invented identity of ours, on a fresh store", () => {
    const { state, verified } = new Scene().bob(invented).identity;
    expect([state, verified]).toEqual(["unchanged", false]);
  });

  it("by acknowledging our own identity, which accepts what the server gives and confirms nothing", () => {
    const scene = new Scene();
    scene.look(invented);
    scene.tracker.acknowledgeIdentity(ALICE, mallorysAlice.master.publicKey).subscribe();
    expect(scene.bob(invented).identity.verified).toBe(false);
  });

  it("once our true identity is confirmed, although the server does not give it", () => {
    const scene = new Scene();
    scene.look(invented);
    let isDone = false;
    scene.tracker.confirmOwnIdentity(alice.master.publicKey).subscribe({ complete: () => (isDone = true) });
    expect(isDone).toBe(true);
    expect(scene.look(invented).get(ALICE)?.identity.state).toBe("changed");
    expect(scene.bob(invented).identity.verified).toBe(false);
    const truth = signedAnswer(ours, { account: bob, masterKey: verifiedBob });
    expect(new Scene(confirmed).bob(truth).identity).toMatchObject({ verified: true, wasVerified: true });
  });
});

describe("a device with another key", () => {
  const rekeyed = bob.device("PHONE", { key: keyPair("new"), curve25519: curveOf(bob.device("OTHER")) });

  it("is accepted if the pinned identity has signed it, also after it was deleted", () => {
    const scene = new Scene();
    scene.look(honest);
    const updates: unknown[] = [];
    scene.tracker.deviceUpdates$.subscribe(({ rekeyed: ids }) => updates.push(ids));
    const { deviceKeys } = scene.bob(signedAnswer(ours, { account: bob, devices: [rekeyed] }));
    expect(deviceKeys.get("PHONE")).toEqual(rekeyed);
    expect(updates).toEqual([["PHONE"]]);
    const again = new Scene();
    again.look(honest);
    again.look(signedAnswer(ours, { account: bob }));
    expect(chosen(again.bob(signedAnswer(ours, { account: bob, devices: [rekeyed] })))).toEqual(["PHONE"]);
  });

  it("does not come back with the key that was replaced", () => {
    const scene = new Scene();
    scene.look(honest);
    scene.look(signedAnswer(ours, { account: bob, devices: [rekeyed] }));
    const replayed = scene.bob(honest);
    expect(reasons(replayed)).toEqual(["PHONE key-changed"]);
    expect(replayed.deviceKeys.get("PHONE")).toEqual(rekeyed);
  });

  it("gets no message under either key otherwise, until the old one is back", () => {
    const scene = new Scene();
    scene.look(honest);
    const stolen = bob.device("PHONE", { key: malloryKey, signedBy: ["itself"] });
    const user = scene.bob(signedAnswer(ours, { account: bob, devices: [stolen] }));
    for (const policy of [{}, { devices: "all" }] as const) {
      expect(chosen(user, policy)).toEqual([]);
      expect(reasons(user, policy)).toEqual(["PHONE key-changed"]);
    }
    expect(user.deviceKeys.get("PHONE")).toEqual(phone);
    expect(chosen(scene.bob(honest))).toEqual(["PHONE"]);
  });

  it("is forgotten by a person's word, and then a new one", () => {
    const scene = new Scene();
    const alone = (device: typeof phone) => signedAnswer(ours, { account: bob, devices: [device] });
    scene.look(alone(bob.device("PHONE", { signedBy: ["itself"] })));
    const other = bob.device("PHONE", { key: malloryKey, signedBy: ["itself"] });
    expect(scene.bob(alone(other)).rejected.has("PHONE")).toBe(true);
    scene.tracker.forgetDevice(BOB, "PHONE").subscribe();
    expect(scene.bob(alone(other)).deviceKeys.get("PHONE")).toEqual(other);
  });
});

describe("trust is not started anew", () => {
  const damage = (what: (scene: Scene) => void, isUserKnown = true) => {
    const scene = new Scene();
    scene.look(honest);
    if (!isUserKnown) scene.tracker.untrack([BOB]).subscribe();
    what(scene);
    return scene.restart();
  };
  const record = (scene: Scene) => saved(scene.store, listKey(BOB)) as { pins: object; saved?: object };

  it.each<[string, (scene: Scene) => void]>([
    ["the owner's record is damaged", ({ store }) => put(store, [OWNER, "?"])],
    ["the format is an older one", ({ store }) => put(store, [OWNER, { userId: ALICE, format: 1, lifetime: "x" }])],
    [
      "the format is a newer one",
      ({ store }) => put(store, [OWNER, { userId: ALICE, format: STORE_FORMAT + 1, lifetime: "x" }]),
    ],
    ["the pins are damaged", (scene) => put(scene.store, [listKey(BOB), { ...record(scene), pins: "?" }])],
    ["the pins are missing", (scene) => put(scene.store, [listKey(BOB), { saved: record(scene).saved }])],
    [
      "the pinned master key is missing",
      (scene) => {
        const { masterKey: _, ...pins } = record(scene).pins as { masterKey?: string };
        put(scene.store, [listKey(BOB), { ...record(scene), pins }]);
      },
    ],
    [
      "the pinned devices are missing",
      (scene) =>
        put(scene.store, [listKey(BOB), { ...record(scene), pins: { ...record(scene).pins, devices: new Map() } }]),
    ],
    ["the pins and the list are damaged", (scene) => put(scene.store, [listKey(BOB), "?"])],
  ])("if %s", (_, what) => {
    const scene = damage(what);
    const user = scene.bob(swapped);
    expect(["unknown", "changed"]).toContain(user.identity.state);
    expect(chosen(user)).toEqual([]);
    expect(scene.problems.length).toBeGreaterThan(0);
  });

  it("if the pins are damaged after the user left", () => {
    const scene = damage(({ store }) => put(store, [listKey(BOB), { pins: "?" }]), false);
    expect(scene.bob(swapped).identity.state).toBe("unknown");
  });

  it.each(["memory", "fail"] as const)(
    "if the store cannot be opened (onStoreUnavailable: %s)",
    (onStoreUnavailable) => {
      const { store } = damage(() => {});
      const broken = { ...store, read: () => throwError(() => new Error("no disk")) };
      const scene = new Scene({ store: broken, onStoreUnavailable });
      if (onStoreUnavailable === "memory") {
        const user = scene.bob(swapped);
        expect([user.identity.state, recipients(new Map([[BOB, user]])).uncertain]).toEqual(["unknown", [BOB]]);
      } else {
        const errors: unknown[] = [];
        scene.tracker.getDeviceKeys([BOB]).subscribe({ error: (error: unknown) => errors.push(error) });
        expect(String(errors)).toContain("no disk");
      }
    },
  );
});

describe("a server cannot take away", () => {
  it("the warning by omitting the master key: removed counts like changed", () => {
    const scene = new Scene();
    scene.look(honest);
    const device = mallory.device("NEW", { signedBy: ["itself"] });
    const user = scene.bob(signedAnswer(ours, { account: bob, masterKey: undefined, devices: [device] }));
    expect([user.identity.state, chosen(user, { devices: "all" })]).toEqual(["removed", []]);
    expect(reasons(user, { devices: "all" })).toEqual(["NEW identity-removed"]);
  });

  it("a verification quietly, by stripping our signature, until a person withdraws it", () => {
    const scene = new Scene(confirmed);
    scene.look(signedAnswer(ours, { account: bob, masterKey: verifiedBob, devices: [phone] }));
    const stripped = scene.bob(honest);
    expect(stripped.identity).toMatchObject({ state: "unchanged", verified: false, wasVerified: true });
    expect(reasons(stripped)).toEqual(["PHONE verification-violated"]);
    expect(chosen(stripped, { excludeViolations: false })).toEqual(["PHONE"]);
    scene.tracker.withdrawVerification(BOB).subscribe();
    expect(chosen(scene.bob(honest))).toEqual(["PHONE"]);
  });

  it("a verification by taking away our own identity first", () => {
    const scene = new Scene(confirmed);
    scene.look(signedAnswer(ours, { account: bob, masterKey: verifiedBob, devices: [phone] }));
    const withoutUs = signedAnswer({ account: bob, devices: [phone] });
    const user = scene.bob(withoutUs);
    expect(user.identity).toMatchObject({ verified: false, wasVerified: true, unjudged: true });
    expect(chosen(user)).toEqual(["PHONE"]);
    expect(scene.problems.map(({ type }) => type)).toContain("own-identity-removed");
    expect(reasons(scene.bob(honest))).toEqual(["PHONE verification-violated"]);
  });

  it("our signature by hiding it behind ten bogus ones", () => {
    const scene = new Scene(confirmed);
    let masterKey = bob.masterKey;
    for (let i = 0; i < 10; i++)
      masterKey = withSignature(masterKey, ALICE, keyPair(`bogus ${i}`).publicKey, "A".repeat(86));
    masterKey = signed(masterKey, ALICE, alice.userSigning);
    expect(scene.bob(signedAnswer(ours, { account: bob, masterKey })).identity.verified).toBe(true);
  });
});

describe("a device that could pass for a cross-signing key", () => {
  const id = bob.master.publicKey;
  const impostor = bob.device(id, { key: malloryKey, signedBy: ["itself"] });

  it("is shown although it comes after 1,000 malformed devices", () => {
    const answer = signedAnswer(ours, { account: bob, devices: [phone] });
    const malformed = Object.fromEntries(Array.from({ length: 25_000 }, (_, i) => [`D${i}`, 5]));
    const user = new Scene().bob({
      ...answer,
      device_keys: { ...answer.device_keys, [BOB]: { ...malformed, [id]: impostor } as never },
    });
    expect(user.identity.collisions).toEqual([id]);
    expect(user.deviceKeys.has(id)).toBe(false);
  });

  it("is refused although the master key is omitted", () => {
    const scene = new Scene();
    scene.look(honest);
    const user = scene.bob(signedAnswer(ours, { account: bob, masterKey: undefined, devices: [impostor] }));
    expect(user.identity.collisions).toEqual([id]);
    expect([user.deviceKeys.size, user.rejected.get(id)?.code]).toEqual([0, "cross-signing-id"]);
  });
});

describe("an unsigned device", () => {
  const thief = { ...bob.device("THIEF", { key: keyPair(`${BOB} PHONE`), curve25519: curveOf(phone), signedBy: [] }) };

  it("that names both keys of another is no claimant", () => {
    const scene = new Scene();
    scene.look(signedAnswer(ours, { account: bob, devices: [thief] }));
    const found: unknown[] = [];
    scene.tracker.findDevice("curve25519", curveOf(phone)).subscribe((one) => found.push(one));
    scene.tracker.findSender({ userId: BOB, curve25519: curveOf(phone) }).subscribe(({ state }) => found.push(state));
    expect(found).toEqual([[], "unknown"]);
  });

  it.each([{}, { userId: BOB }, { userId: BOB, curve25519: 5 }, { userId: "bob", curve25519: curveOf(phone) }])(
    "is not the sender of an event whose keys are not well-formed: %j",
    (claim) => {
      const found: unknown[] = [];
      new Scene().tracker.findSender(claim as SenderClaim).subscribe((one) => found.push(one));
      expect(found).toEqual([{ state: "unknown", claimants: [] }]);
    },
  );

  it("pins nothing, whatever it names, and blocks nobody", () => {
    const scene = new Scene();
    const unsigned = bob.device("PHONE", { key: malloryKey, signedBy: [] });
    const many = Array.from({ length: 50 }, (_, i) => bob.device(`MANY${i}`, { signedBy: [] }));
    scene.look(signedAnswer(ours, { account: bob, devices: [unsigned, ...many] }));
    const { pins } = saved(scene.store, listKey(BOB)) as { pins: { devices: ReadonlyMap<string, string> } };
    expect(pins.devices.size).toBe(0);
    expect(chosen(scene.bob(honest))).toEqual(["PHONE"]);
  });

  it("is no recipient unless the policy says so", () => {
    const unsigned = bob.device("OLD", { signedBy: [] });
    const user = new Scene().bob(signedAnswer(ours, { account: bob, devices: [unsigned] }));
    expect(reasons(user, { devices: "all" })).toEqual(["OLD unsigned"]);
    expect(chosen(user, { devices: "all", unsigned: true })).toEqual(["OLD"]);
  });
});

describe("a device that names another's curve25519 key", () => {
  it("does not lock out the one that the identity has signed", () => {
    const thief = bob.device("THIEF", { key: malloryKey, curve25519: curveOf(phone), signedBy: ["itself"] });
    const user = new Scene().bob(signedAnswer(ours, { account: bob, devices: [phone, thief] }));
    expect(chosen(user)).toEqual(["PHONE"]);
    expect(user.rejected.get("THIEF")?.code).toBe("key-shared");
  });

  it("in a second spelling, is found to share it, and does not lock it out", () => {
    const bytes = Buffer.from(curveOf(phone), "base64");
    bytes[31] = (bytes[31] ?? 0) | 0x80;
    const curve25519 = bytes.toString("base64").replace("=", "");
    const thief = bob.device("THIEF", { key: malloryKey, curve25519, signedBy: ["itself"] });
    const scene = new Scene();
    const user = scene.bob(signedAnswer(ours, { account: bob, devices: [phone, thief] }));
    expect([chosen(user), user.rejected.get("THIEF")?.code]).toEqual([["PHONE"], "key-shared"]);
    const states: string[] = [];
    for (const claimed of [curveOf(phone), curve25519])
      scene.tracker.findSender({ userId: BOB, curve25519: claimed }).subscribe(({ state }) => states.push(state));
    expect(states).toEqual(["device", "device"]);
  });

  it.each([
    ["zero", "A".repeat(43)],
    [
      "zero in a second spelling",
      Buffer.from([...new Uint8Array(31), 0x80])
        .toString("base64")
        .replace("=", ""),
    ],
  ])("is refused if it is %s", (_, curve25519) => {
    const user = new Scene().bob(signedAnswer(ours, { account: bob, devices: [bob.device("WEAK", { curve25519 })] }));
    expect(user.rejected.get("WEAK")?.code).toBe("malformed");
  });
});

describe("users who cannot be reached", () => {
  const failed = (server: string): KeysQueryResponse => ({
    device_keys: {},
    failures: { [server]: {} },
    master_keys: { [BOB]: mallory.masterKey },
  });

  it("have an unknown identity if nothing is known of them, and pin nothing", () => {
    const scene = new Scene();
    const user = scene.look(failed("example.org"), [BOB]).get(BOB)!;
    expect([user.freshness, user.identity.state]).toEqual(["unreachable", "unknown"]);
    expect(saved(scene.store, listKey(BOB))).toBeUndefined();
  });
});

describe("two trackers, of which one cannot write", () => {
  it("report that what was shown as unchanged is not what is pinned, and do not call it unchanged again", () => {
    const store = memoryStore();
    const first = new Scene({ store });
    let fails = true;
    const failing: DeviceStore = {
      ...store,
      update: (keys, change) =>
        fails && keys.length > 0 ? throwError(() => new Error("full")) : store.update(keys, change),
    };
    const second = new Scene({ store: failing });
    expect(second.bob(honest).identity.state).toBe("unchanged"); // pinned in its memory only
    first.look(swapped);
    fails = false;
    expect(second.bob(swapped).identity.state).toBe("unknown");
    expect(second.problems.map(({ type }) => type)).toContain("pins-replaced");
    expect(first.bob(swapped).identity.state).toBe("unknown");
  });
});

describe("a verification that is over", () => {
  const verified = signedAnswer(ours, { account: bob, masterKey: verifiedBob, devices: [phone] });
  const trustOf = (scene: Scene) => {
    const found: string[] = [];
    scene.tracker
      .explain(BOB, "PHONE")
      .subscribe(({ trust, weakest }) => found.push(`${trust}, by ${String(weakest?.kind)}`));
    return found;
  };

  it("is not what explain says any more", () => {
    const scene = new Scene(confirmed);
    scene.look(verified);
    expect(trustOf(scene)).toEqual(["verified, by undefined"]);
    scene.look(honest);
    expect(trustOf(scene)).toEqual(["cross-signed, by master"]);
    scene.tracker.withdrawVerification(BOB).subscribe();
    expect(trustOf(scene)).toEqual(["cross-signed, by master"]);
  });

  it("stays withdrawn although a former key of ours has signed the user", () => {
    const scene = new Scene();
    scene.tracker.confirmOwnIdentity(alice.master.publicKey).subscribe();
    scene.look(verified);
    const renewed = signedAccount(ALICE, "renewed");
    scene.tracker.confirmOwnIdentity(renewed.master.publicKey).subscribe();
    const after = signedAnswer({ account: renewed }, { account: bob, masterKey: verifiedBob, devices: [phone] });
    expect(reasons(scene.bob(after))).toEqual(["PHONE verification-violated"]);
    scene.tracker.withdrawVerification(BOB).subscribe();
    expect([chosen(scene.bob(after)), chosen(scene.bob(after))]).toEqual([["PHONE"], ["PHONE"]]);
  });

  it("locks out no device that its owner has given another key", () => {
    const scene = new Scene(confirmed);
    scene.look(verified);
    scene.look(honest);
    scene.tracker.withdrawVerification(BOB).subscribe();
    const rekeyed = bob.device("PHONE", { key: keyPair("new") });
    expect(chosen(scene.bob(signedAnswer(ours, { account: bob, devices: [rekeyed] })))).toEqual(["PHONE"]);
  });
});

describe("our own identity, confirmed once more", () => {
  it("is the one that was confirmed last, whatever the option says", () => {
    const renewed = signedAccount(ALICE, "renewed");
    const scene = new Scene(confirmed);
    scene.look(honest);
    scene.tracker.confirmOwnIdentity(renewed.master.publicKey).subscribe();
    const { identity } = scene.look(signedAnswer({ account: renewed }, { account: bob })).get(ALICE)!;
    expect([identity.state, identity.pinnedMasterKey]).toEqual(["unchanged", renewed.master.publicKey]);
  });
});

describe("many devices of one answer", () => {
  it("do not hide that another one comes with another key", () => {
    const scene = new Scene();
    scene.look(honest);
    const stolen = bob.device("PHONE", { key: malloryKey, signedBy: ["itself"] });
    const answer = signedAnswer(ours, { account: bob, devices: [stolen] });
    const malformed = Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`A${i}`, 5]));
    const theirs = { ...malformed, ...answer.device_keys?.[BOB] };
    expect(chosen(scene.bob({ ...answer, device_keys: { ...answer.device_keys, [BOB]: theirs as never } }))).toEqual(
      [],
    );
  });

  it("cannot swap one that only its owner has signed for an unsigned one", () => {
    const scene = new Scene();
    const tablet = bob.device("TABLET", { signedBy: ["owner"] });
    scene.look(signedAnswer(ours, { account: bob, devices: [tablet] }));
    const curve25519 = curveOf(phone);
    const unsigned = bob.device("TABLET", { curve25519, signedBy: [] });
    const user = scene.bob(signedAnswer(ours, { account: bob, devices: [unsigned] }));
    expect(user.rejected.get("TABLET")?.code).toBe("unsigned");
    expect(chosen(user, { devices: "all", unsigned: true })).toEqual(["TABLET"]);
    expect(user.deviceKeys.get("TABLET")).toEqual(tablet);
  });
});

describe("the history of a user's keys", () => {
  it("says what was seen, what replaced it and why, and what came back", () => {
    const scene = new Scene();
    const rekeyed = bob.device("PHONE", { key: keyPair("new") });
    scene.look(honest);
    scene.look(signedAnswer(ours, { account: bob, devices: [rekeyed] }));
    scene.look(honest);
    scene.look(honest);
    scene.look(swapped);
    scene.tracker.acknowledgeIdentity(BOB, mallory.master.publicKey).subscribe();
    const events: string[] = [];
    scene.tracker
      .keyHistory(BOB)
      .subscribe((history) =>
        events.push(
          ...history.map(({ type, kind, deviceId = "" }) => `${kind} ${deviceId} ${type}`.replace("  ", " ")),
        ),
      );
    expect(events).toEqual([
      "master first-seen",
      "self-signing first-seen",
      "device PHONE first-seen",
      "device PHONE accepted",
      "device PHONE returned",
      "master shown",
      "device PHONE shown",
      "master acknowledged",
    ]);
  });
});
