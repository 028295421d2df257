import { lastValueFrom, of } from "rxjs";
import { expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { toResponse } from "../../src/olm-machine/to-response.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { signedAccount, signedAnswer } from "../support/signed-account.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";

const [alice, bob] = [signedAccount(ALICE), signedAccount(BOB)];

async function lookedUp(response: KeysQueryResponse, ...userIds: readonly string[]) {
  const keysApi = { query: () => of(response), changes: () => of({}) };
  const tracker = new DeviceTracker({
    userId: ALICE,
    keysApi,
    sync$: of({ next_batch: "s1" }),
    verifier: nodeVerifier,
  });
  tracker.connect();
  tracker.track(userIds).subscribe();
  return await lastValueFrom(tracker.getDeviceKeys(userIds));
}

const written = (...args: Parameters<typeof toResponse>) => JSON.parse(toResponse(...args)) as unknown;

it("has devices and keys as the server sent them", async () => {
  const properties = { "org.example.more": { deep: [1, null] } };
  const phone = bob.device("PHONE", { properties, displayName: "Bob's phone" });
  const verified = { ...bob.masterKey, signatures: { [ALICE]: { "ed25519:other": "c2lnbmF0dXJl" } } };
  const { userSigningKey } = alice;
  const response: KeysQueryResponse = {
    ...signedAnswer({ account: alice }, { account: bob, devices: [phone], masterKey: verified }),
    user_signing_keys: { [ALICE]: userSigningKey },
    failures: {},
  };
  expect(written(await lookedUp(response, ALICE, BOB), [])).toEqual(response);
});

it("has empty lists for users without devices, and failures for unreachable ones", async () => {
  const users = await lookedUp({ device_keys: {} }, CAROL);
  expect(written(users, [EVE])).toEqual({
    device_keys: { [CAROL]: {} },
    failures: { "down.example": {} },
    master_keys: {},
    self_signing_keys: {},
    user_signing_keys: {},
  });
});

it("leaves out refused devices", async () => {
  const tampered = { ...bob.device("TABLET"), algorithms: [] };
  const response = signedAnswer({ account: bob, devices: [bob.device("PHONE"), tampered] });
  expect(written(await lookedUp(response, BOB), [])).toMatchObject({ device_keys: { [BOB]: { PHONE: {} } } });
  expect(toResponse(await lookedUp(response, BOB), [])).not.toContain("TABLET");
});

it("keeps users and devices with the names of built-in properties", () => {
  const list = { deviceKeys: new Map([["__proto__", bob.device("PHONE")]]), rejected: new Map() };
  const text = toResponse(new Map([[BOB, list as never]]), []);
  expect(text).toContain('"__proto__":{"user_id":"@bob:example.org"');
});
