import { createPublicKey, verify } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startHomeserver } from "../../demo/homeserver/start-homeserver.mjs";

const ALICE = "@alice:home.example";
const BOB = "@bob:home.example";
const CAROL = "@carol:home.example";
const DAVE = "@dave:elsewhere.example";

let homeserver: Awaited<ReturnType<typeof startHomeserver>>;
beforeEach(async () => {
  homeserver = await startHomeserver({ latency: 0 });
});
afterEach(() => homeserver.stop());

/** A device or a cross-signing key, read as JSON. */
interface Signed {
  readonly keys: Readonly<Record<string, string>>;
  readonly signatures?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly unsigned?: { readonly device_display_name?: string };
}
interface Answer {
  readonly device_keys: Readonly<Record<string, Readonly<Record<string, Signed>>>>;
  readonly master_keys: Readonly<Record<string, Signed>>;
  readonly self_signing_keys: Readonly<Record<string, Signed>>;
  readonly user_signing_keys: Readonly<Record<string, Signed>>;
}

const post = async (path: string, body: object): Promise<unknown> => {
  const response = await fetch(`${homeserver.url}${path}`, {
    method: "POST",
    headers: { authorization: "Bearer demo", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
};
const query = async (): Promise<Answer> =>
  (await post("/_matrix/client/v3/keys/query", {
    device_keys: { [ALICE]: [], [BOB]: [], [CAROL]: [], [DAVE]: [] },
  })) as Answer;
const control = (action: string, body: object) => post(`/control/${action}`, body);
const play = (trick: string) => control("play-trick", { trick });
const takeBack = (trick: string) => control("take-back-trick", { trick });

const keyOf = ({ keys }: Signed): string => Object.values(keys)[0]!;
const devicesOf = ({ device_keys: all }: Answer, userId: string) => Object.entries(all[userId]!);
const newIn = (before: Answer, after: Answer, userId: string) =>
  devicesOf(after, userId).filter(([id]) => !(id in before.device_keys[userId]!));

/** Whether the signature of this user by this key is valid; `undefined` if there is none. */
function isValid(object: Signed, userId: string, keyId: string, publicKey: string): boolean | undefined {
  const { signatures, unsigned: _, ...signed } = object;
  const signature = signatures?.[userId]?.[`ed25519:${keyId}`];
  if (signature === undefined) return undefined;
  const key = createPublicKey({
    format: "jwk",
    key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey, "base64").toString("base64url") },
  });
  return verify(null, Buffer.from(JSON.stringify(sorted(signed))), key, Buffer.from(signature, "base64"));
}
const byItself = (userId: string, [id, device]: [string, Signed]) =>
  isValid(device, userId, id, device.keys[`ed25519:${id}`]!);
const byOwner = (answer: Answer, userId: string, [, device]: [string, Signed]) => {
  const selfSigning = answer.self_signing_keys[userId];
  return selfSigning === undefined ? undefined : isValid(device, userId, keyOf(selfSigning), keyOf(selfSigning));
};
/** Whether Alice's user-signing key has signed a person's master key. */
const verified = (answer: Answer, userId: string) => {
  const userSigning = keyOf(answer.user_signing_keys[ALICE]!);
  return isValid(answer.master_keys[userId]!, ALICE, userSigning, userSigning);
};

describe("the signatures of the demo's homeserver", () => {
  it("everything is signed, from the master key down to each device", async () => {
    const answer = await query();
    for (const userId of [ALICE, BOB, CAROL]) {
      const master = keyOf(answer.master_keys[userId]!);
      expect(isValid(answer.self_signing_keys[userId]!, userId, master, master)).toBe(true);
      for (const device of devicesOf(answer, userId))
        expect([byItself(userId, device), byOwner(answer, userId, device)]).toEqual([true, true]);
    }
    for (const device of devicesOf(answer, DAVE)) expect(byItself(DAVE, device)).toBe(true);
    expect([answer.master_keys[DAVE], answer.self_signing_keys[DAVE]]).toEqual([undefined, undefined]);
  });

  it("Alice has verified only Carol, and only she gets her user-signing key", async () => {
    const answer = await query();
    const master = keyOf(answer.master_keys[ALICE]!);
    expect(isValid(answer.user_signing_keys[ALICE]!, ALICE, master, master)).toBe(true);
    expect([verified(answer, CAROL), verified(answer, BOB)]).toEqual([true, undefined]);
    expect(Object.keys(answer.user_signing_keys)).toEqual([ALICE]);
  });

  it("a new device has only its own signature until its owner signs it", async () => {
    const before = await query();
    await control("add-device", { user_id: BOB });
    const unsigned = await query();
    const [device] = newIn(before, unsigned, BOB);
    expect([byItself(BOB, device!), byOwner(unsigned, BOB, device!)]).toEqual([true, undefined]);
    await control("sign-devices", { user_id: BOB });
    const signed = await query();
    const [same] = newIn(before, signed, BOB);
    expect(same![1].keys).toEqual(device![1].keys);
    expect([byItself(BOB, same!), byOwner(signed, BOB, same!)]).toEqual([true, true]);
    await expect(control("sign-devices", { user_id: BOB })).rejects.toThrow("409");
    await expect(control("sign-devices", { user_id: DAVE })).rejects.toThrow("409");
  });

  it("a device with swapped keys has only its own signature", async () => {
    const before = await query();
    await play("swap-key");
    const swapped = await query();
    const others = devicesOf(swapped, BOB).filter(
      ([id, { keys }]) => keys[`ed25519:${id}`] !== before.device_keys[BOB]![id]!.keys[`ed25519:${id}`],
    );
    expect(devicesOf(swapped, BOB).map(([id]) => id)).toEqual(devicesOf(before, BOB).map(([id]) => id));
    expect(others).toHaveLength(1);
    expect([byItself(BOB, others[0]!), byOwner(swapped, BOB, others[0]!)]).toEqual([true, undefined]);
    // Bob does not sign a device that is not his.
    await expect(control("sign-devices", { user_id: BOB })).rejects.toThrow("409");
    await takeBack("swap-key");
    expect(await query()).toEqual(before);
  });

  it("a device that its owner gives new keys is signed by itself and by its owner", async () => {
    const before = await query();
    await control("rekey-device", { user_id: BOB });
    const after = await query();
    expect(devicesOf(after, BOB).map(([id]) => id)).toEqual(devicesOf(before, BOB).map(([id]) => id));
    const [[id, device], ...others] = devicesOf(after, BOB) as [[string, Signed], ...[string, Signed][]];
    const { keys: former, unsigned } = before.device_keys[BOB]![id]!;
    for (const algorithm of ["ed25519", "curve25519"])
      expect(device.keys[`${algorithm}:${id}`]).not.toBe(former[`${algorithm}:${id}`]);
    expect(device.unsigned).toEqual(unsigned);
    expect([byItself(BOB, [id, device]), byOwner(after, BOB, [id, device])]).toEqual([true, true]);
    expect(others).toEqual(devicesOf(before, BOB).slice(1));
    for (let i = 0; i < 2; i++) await control("remove-device", { user_id: BOB });
    await expect(control("rekey-device", { user_id: BOB })).rejects.toThrow("409");
  });

  it("Alice's phone shows her true master key, whatever the server returns", async () => {
    const shown = async () => {
      const response = await fetch(`${homeserver.url}/control/world`);
      return ((await response.json()) as { own_master_key: string }).own_master_key;
    };
    const master = keyOf((await query()).master_keys[ALICE]!);
    expect(await shown()).toBe(master);
    await play("own-identity");
    expect(keyOf((await query()).master_keys[ALICE]!)).not.toBe(master);
    expect(await shown()).toBe(master);
  });

  it.each([
    ["forge-signature", false],
    ["unsigned-device", undefined],
    ["claim-key", true],
  ] as const)("%s adds a device whose own signature is valid: %s, without its owner's", async (trick, expected) => {
    const before = await query();
    await play(trick);
    await play(trick); // twice is once
    const after = await query();
    const planted = newIn(before, after, BOB);
    expect(planted).toHaveLength(1);
    expect([byItself(BOB, planted[0]!), byOwner(after, BOB, planted[0]!)]).toEqual([expected, undefined]);
    await takeBack(trick);
    await takeBack(trick);
    expect(await query()).toEqual(before);
  });

  it("a device of Bob's can claim a curve25519 key of Carol's", async () => {
    const before = await query();
    await play("claim-key");
    const [[bobs, claiming]] = newIn(before, await query(), BOB) as [[string, Signed]];
    const [[carols, claimed]] = devicesOf(before, CAROL) as [[string, Signed]];
    expect(claiming.keys[`curve25519:${bobs}`]).toBe(claimed.keys[`curve25519:${carols}`]);
  });

  it("a reset replaces all signatures, and Alice has not verified the new master key", async () => {
    const before = await query();
    await control("reset-identity", { user_id: CAROL });
    const after = await query();
    const [was, is] = [before, after].map((answer) => keyOf(answer.master_keys[CAROL]!));
    expect(is).not.toBe(was);
    expect(isValid(after.self_signing_keys[CAROL]!, CAROL, is!, is!)).toBe(true);
    for (const device of devicesOf(after, CAROL)) {
      expect([byItself(CAROL, device), byOwner(after, CAROL, device)]).toEqual([true, true]);
      expect(Object.keys(device[1].signatures![CAROL]!)).toHaveLength(2); // nothing is left of the old identity
    }
    expect(verified(after, CAROL)).toBeUndefined();
  });

  it("a swapped identity of ours has signed no device", async () => {
    const before = await query();
    await play("own-identity");
    const after = await query();
    expect(keyOf(after.master_keys[ALICE]!)).not.toBe(keyOf(before.master_keys[ALICE]!));
    const master = keyOf(after.master_keys[ALICE]!);
    expect(isValid(after.self_signing_keys[ALICE]!, ALICE, master, master)).toBe(true);
    for (const device of devicesOf(after, ALICE)) expect(byOwner(after, ALICE, device)).toBeUndefined();
    expect(verified(after, CAROL)).toBeUndefined();
    await takeBack("own-identity");
    expect(await query()).toEqual(before);
  });

  it("an unknown trick is refused, and one without a device for it", async () => {
    await expect(play("nonsense")).rejects.toThrow("404");
    for (let i = 0; i < 2; i++) await control("remove-device", { user_id: BOB });
    await expect(play("swap-key")).rejects.toThrow("409");
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
