import { lastValueFrom, of } from "rxjs";
import { expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { toResponse } from "../../src/olm-machine/to-response.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { keyPair, signedAccount, signedAnswer } from "../support/signed-account.js";
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

it("has a refused device as it was before, if wanted", async () => {
  const devices = ["one", "another"].map((name) => bob.device("PHONE", { key: keyPair(name), signedBy: ["itself"] }));
  const answers = devices.map((device) => signedAnswer({ account: bob, devices: [device] }));
  const keysApi = { query: () => of(answers.shift() ?? {}), changes: () => of({}) };
  const sync$ = of({ next_batch: "s1" });
  const tracker = new DeviceTracker({ userId: ALICE, keysApi, sync$, verifier: nodeVerifier });
  tracker.connect();
  tracker.track([BOB]).subscribe();
  await lastValueFrom(tracker.getDeviceKeys([BOB]));
  const users = await lastValueFrom(tracker.getDeviceKeys([BOB], { forceDownload: true }));
  expect(written(users, [])).toHaveProperty("device_keys", { [BOB]: {} });
  expect(written(users, [], "as-before")).toHaveProperty("device_keys", { [BOB]: { PHONE: devices[0] } });
});

it("keeps users and devices with the names of built-in properties", () => {
  const list = { deviceKeys: new Map([["__proto__", bob.device("PHONE")]]), rejected: new Map() };
  const text = toResponse(new Map([[BOB, list as never]]), []);
  expect(text).toContain('"__proto__":{"user_id":"@bob:example.org"');
});
