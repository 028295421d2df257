import { lastValueFrom, of, Subject } from "rxjs";
import { expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { KeysQueryResponse, SyncResponse } from "../../src/model/wire.js";
import { keysQueryResponse } from "../../src/olm-machine/keys-query-response.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { signedAccount, signedAnswer } from "../support/signed-account.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";

const [alice, bob] = [signedAccount(ALICE), signedAccount(BOB)];
const phone = bob.device("PHONE", { properties: { "org.example.more": { deep: [1, null] } }, displayName: "Phone" });
const lists: KeysQueryResponse = {
  ...signedAnswer({ account: alice, devices: [alice.device("PC")] }, { account: bob, devices: [phone] }),
  user_signing_keys: { [ALICE]: alice.userSigningKey },
};
const NOTHING = { device_keys: {}, failures: {}, master_keys: {}, self_signing_keys: {}, user_signing_keys: {} };

function trackerOf(response: KeysQueryResponse, during = () => {}) {
  const sync$ = new Subject<SyncResponse>();
  const query = () => {
    during();
    return of(response);
  };
  const keysApi = { query, changes: () => of({}) };
  const tracker = new DeviceTracker({ userId: ALICE, keysApi, sync$, verifier: nodeVerifier });
  tracker.connect();
  sync$.next({ next_batch: "s1" });
  return { tracker, sync$ };
}

it("has the lists of tracked and untracked users as the server sent them", async () => {
  const { tracker } = trackerOf(lists);
  const users = await lastValueFrom(tracker.getDeviceKeys([ALICE, BOB]));
  expect(Array.from(users.values(), ({ freshness }) => freshness)).toEqual(["current", "untracked"]);
  expect(keysQueryResponse(users)).toEqual({ ...lists, failures: {} });
});

it("has an empty list for a user without devices, and the servers of unreachable users", async () => {
  const { tracker } = trackerOf({ device_keys: {}, failures: { "down.example": { status: 503 } } });
  const users = await lastValueFrom(tracker.getDeviceKeys([CAROL, EVE]));
  expect(keysQueryResponse(users)).toEqual({
    ...NOTHING,
    device_keys: { [CAROL]: {} },
    failures: { "down.example": {} },
  });
});

it("leaves out a list that a change has overtaken", async () => {
  const { tracker, sync$ } = trackerOf(lists, () => {
    sync$.next({ since: "s1", next_batch: "s2", device_lists: { changed: [BOB] } });
  });
  const users = await lastValueFrom(tracker.getDeviceKeys([BOB]));
  expect(users.get(BOB)?.freshness).toBe("superseded");
  expect(keysQueryResponse(users)).toEqual(NOTHING);
});

it("leaves out an outdated list", async () => {
  const { tracker, sync$ } = trackerOf(lists);
  tracker.track([BOB]).subscribe();
  await lastValueFrom(tracker.getDeviceKeys([BOB]));
  const known = async () => keysQueryResponse(await lastValueFrom(tracker.getKnownDeviceKeys([BOB])));
  expect(await known()).toMatchObject({ device_keys: { [BOB]: { PHONE: phone } } });
  sync$.next({ since: "s1", next_batch: "s2", device_lists: { changed: [BOB] } });
  expect(await known()).toEqual(NOTHING);
});
