import type { Observable, SchedulerLike, Subscription } from "rxjs";
import { describe, expectTypeOf, it } from "vitest";
import {
  memoryStore,
  platformVerifier,
  recipients,
  type CrossSigningKey,
  type DeviceChanges,
  type DeviceId,
  type DeviceKeys,
  type DeviceKeysByUser,
  type DeviceLists,
  type DeviceRef,
  type DeviceStatus,
  type DeviceStore,
  type DeviceTracker,
  type DeviceTrackerOptions,
  type DeviceUpdate,
  type Freshness,
  type IdentityState,
  type IdentityStatus,
  type KeysApi,
  type KeysQueryResponse,
  type LeftOutDevice,
  type LeftOutReason,
  type RecipientDevice,
  type RecipientPolicy,
  type Recipients,
  type RejectionCode,
  type RejectionReason,
  type SignatureCheck,
  type SignatureVerifier,
  type SyncResponse,
  type TrackerProblem,
  type UnsignedDevices,
  type Update,
  type UserDeviceKeys,
  type UserId,
  type WithheldCode,
} from "../src/index.js";

describe("the public types", () => {
  it("name IDs, which are strings", () => {
    expectTypeOf<UserId>().toEqualTypeOf<string>();
    expectTypeOf<DeviceId>().toEqualTypeOf<string>();
  });

  it("keep unknown properties of wire objects", () => {
    expectTypeOf<DeviceKeys>().toExtend<{
      user_id: string;
      device_id: string;
      algorithms: string[];
      keys: Record<string, string>;
    }>();
    expectTypeOf<DeviceKeys["signatures"]>().toEqualTypeOf<Record<string, Record<string, string>> | undefined>();
    expectTypeOf<DeviceKeys["org.example.extra"]>().toEqualTypeOf<unknown>();
    expectTypeOf<CrossSigningKey>().toExtend<{ user_id: string; usage: string[]; keys: Record<string, string> }>();
    expectTypeOf<CrossSigningKey["org.example.extra"]>().toEqualTypeOf<unknown>();
  });

  it("accept a sync response with or without since, null for an initial sync", () => {
    expectTypeOf<{ next_batch: string }>().toExtend<SyncResponse>();
    expectTypeOf<{ next_batch: string; since: null; device_lists: { changed: string[] } }>().toExtend<SyncResponse>();
    expectTypeOf<{ since: string }>().not.toExtend<SyncResponse>();
    expectTypeOf<DeviceLists>().toEqualTypeOf<{ changed?: string[]; left?: string[] }>();
  });

  it("make results readonly all the way down", () => {
    expectTypeOf<DeviceKeysByUser>().toEqualTypeOf<ReadonlyMap<UserId, UserDeviceKeys>>();
    expectTypeOf<UserDeviceKeys["deviceKeys"]>().toEqualTypeOf<ReadonlyMap<DeviceId, DeviceKeys>>();
    expectTypeOf<UserDeviceKeys["rejected"]>().toEqualTypeOf<ReadonlyMap<DeviceId, RejectionReason>>();
    expectTypeOf<UserDeviceKeys["lastKnown"]>().toEqualTypeOf<ReadonlyMap<DeviceId, DeviceKeys> | undefined>();
    expectTypeOf<UserDeviceKeys["masterKey"]>().toEqualTypeOf<CrossSigningKey | undefined>();
    expectTypeOf<UserDeviceKeys["fetchedAt"]>().toEqualTypeOf<number>();
    expectTypeOf<DeviceChanges>().toEqualTypeOf<{
      readonly changed: readonly UserId[];
      readonly left: readonly UserId[];
    }>();
    expectTypeOf<UserDeviceKeys>().toEqualTypeOf<Readonly<UserDeviceKeys>>();
  });

  it("list every freshness", () => {
    expectTypeOf<Freshness>().toEqualTypeOf<"current" | "superseded" | "untracked" | "unreachable" | "outdated">();
  });

  it("require our user, the sync stream and the keys API in the options", () => {
    expectTypeOf<Pick<DeviceTrackerOptions, "userId" | "sync$" | "keysApi">>().toExtend<DeviceTrackerOptions>();
    expectTypeOf<Pick<DeviceTrackerOptions, "userId" | "sync$">>().not.toExtend<DeviceTrackerOptions>();
    expectTypeOf<DeviceTrackerOptions["sync$"]>().toEqualTypeOf<Observable<SyncResponse>>();
    expectTypeOf<DeviceTrackerOptions["store"]>().toEqualTypeOf<DeviceStore | undefined>();
    expectTypeOf<DeviceTrackerOptions["scheduler"]>().toEqualTypeOf<SchedulerLike | undefined>();
    type Bounds = "maxUsersPerQuery" | "maxConcurrentQueries" | "queryDeadline" | "storeDeadline";
    expectTypeOf<DeviceTrackerOptions[Bounds]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<DeviceTrackerOptions["gaps"]>().toEqualTypeOf<"ask" | "distrust" | undefined>();
  });

  it("have the streams and methods of the tracker", () => {
    expectTypeOf<DeviceTracker["connect"]>().toEqualTypeOf<() => Subscription>();
    expectTypeOf<DeviceTracker["deviceChanges$"]>().toEqualTypeOf<Observable<DeviceChanges>>();
    expectTypeOf<DeviceTracker["trackedUsers$"]>().toEqualTypeOf<Observable<ReadonlySet<UserId>>>();
    expectTypeOf<DeviceTracker["synced$"]>().toEqualTypeOf<Observable<SyncResponse>>();
    expectTypeOf<DeviceTracker["applied$"]>().toEqualTypeOf<Observable<SyncResponse>>();
    expectTypeOf<DeviceTracker["caughtUp$"]>().toEqualTypeOf<Observable<void>>();
    expectTypeOf<DeviceTracker["problems$"]>().toEqualTypeOf<Observable<TrackerProblem>>();
    expectTypeOf<DeviceTracker["getDeviceKeys"]>().parameter(0).toEqualTypeOf<Iterable<UserId>>();
    expectTypeOf<DeviceTracker["getDeviceKeys"]>()
      .parameter(1)
      .toExtend<{ forceDownload?: boolean; timeout?: number } | undefined>();
    expectTypeOf<DeviceTracker["getDeviceKeys"]>().returns.toEqualTypeOf<Observable<DeviceKeysByUser>>();
    expectTypeOf<DeviceTracker["getKnownDeviceKeys"]>().toEqualTypeOf<
      (users: Iterable<UserId>) => Observable<DeviceKeysByUser>
    >();
    expectTypeOf<DeviceTracker["watchDeviceKeys"]>().toEqualTypeOf<
      (users: Iterable<UserId>) => Observable<DeviceKeysByUser>
    >();
    expectTypeOf<DeviceTracker["track" | "untrack" | "invalidate"]>().toEqualTypeOf<
      (users: Iterable<UserId>) => Observable<void>
    >();
    expectTypeOf<DeviceTracker["close"]>().toEqualTypeOf<() => void>();
  });

  it("have ports that return observables", () => {
    type Query = (request: { device_keys: Record<UserId, []>; timeout?: number }) => Observable<KeysQueryResponse>;
    expectTypeOf<Query>().toExtend<KeysApi["query"]>();
    expectTypeOf<KeysApi["changes"]>().toEqualTypeOf<
      (range: { from: string; to: string }) => Observable<DeviceLists>
    >();
    expectTypeOf<DeviceStore["syncToken$"]>().toEqualTypeOf<Observable<string | undefined>>();
    expectTypeOf<DeviceStore["commits$"]>().toEqualTypeOf<Observable<unknown>>();
    expectTypeOf<Update<string>>().toExtend<{ readonly result: string; readonly announce?: unknown }>();
    expectTypeOf<DeviceStore["clear"]>().toEqualTypeOf<() => Observable<void>>();
    expectTypeOf(memoryStore).toEqualTypeOf<() => DeviceStore>();
  });

  it("make problems a discriminated union, each with a message", () => {
    expectTypeOf<TrackerProblem["message"]>().toEqualTypeOf<string>();
    expectTypeOf<Extract<TrackerProblem, { type: "commit-failed" }>["retryIn"]>().toEqualTypeOf<number>();
    expectTypeOf<string>().not.toExtend<TrackerProblem["type"]>();
  });

  it("describe devices and identities beside what the server returned", () => {
    expectTypeOf<UserDeviceKeys["deviceStatus"]>().toEqualTypeOf<ReadonlyMap<DeviceId, DeviceStatus>>();
    expectTypeOf<DeviceStatus>().toEqualTypeOf<{
      readonly signedByItself: boolean;
      readonly crossSigned: boolean;
      readonly dehydrated: boolean;
    }>();
    expectTypeOf<UserDeviceKeys["identity"]>().toEqualTypeOf<IdentityStatus>();
    expectTypeOf<IdentityStatus>().toEqualTypeOf<{
      readonly state: IdentityState;
      readonly masterKey?: string;
      readonly pinnedMasterKey?: string;
      readonly verified: boolean;
      readonly wasVerified: boolean;
      readonly unjudged?: true;
      readonly collisions: readonly DeviceId[];
    }>();
    expectTypeOf<IdentityState>().toEqualTypeOf<"none" | "unchanged" | "changed" | "removed" | "unknown">();
    expectTypeOf<RejectionReason["code"]>().toEqualTypeOf<RejectionCode>();
    expectTypeOf<
      "key-changed" | "key-shared" | "invalid-signature" | "unsigned" | "cross-signing-id"
    >().toExtend<RejectionCode>();
  });

  it("make updates readonly, with an identity only if it changed", () => {
    expectTypeOf<DeviceTracker["deviceUpdates$"]>().toEqualTypeOf<Observable<DeviceUpdate>>();
    expectTypeOf<DeviceUpdate["added" | "removed" | "renamed" | "crossSigned" | "rekeyed" | "changed"]>().toEqualTypeOf<
      readonly DeviceId[]
    >();
    expectTypeOf<DeviceUpdate["refused"]>().toEqualTypeOf<ReadonlyMap<DeviceId, RejectionReason>>();
    expectTypeOf<DeviceUpdate["identity"]>().toEqualTypeOf<IdentityStatus | undefined>();
    expectTypeOf<DeviceUpdate>().toEqualTypeOf<Readonly<DeviceUpdate>>();
    expectTypeOf<Extract<TrackerProblem, { type: "own-identity-changed" }>>().toExtend<{
      readonly masterKey: string;
      readonly pinnedMasterKey: string;
    }>();
  });

  it("find devices by any string, and acknowledge keys without a value", () => {
    expectTypeOf<DeviceTracker["findDevice"]>().toEqualTypeOf<
      (
        algorithm: string,
        publicKey: string,
      ) => Observable<readonly { readonly userId: UserId; readonly deviceId: DeviceId }[]>
    >();
    expectTypeOf<DeviceTracker["acknowledgeIdentity"]>().toEqualTypeOf<
      (userId: UserId, masterKey: string | undefined) => Observable<void>
    >();
    expectTypeOf<DeviceTracker["acknowledgeDevice"]>().toEqualTypeOf<
      (userId: UserId, deviceId: DeviceId, ed25519Key: string) => Observable<void>
    >();
  });

  it("have a port that verifies signatures, and a default for it", () => {
    expectTypeOf<SignatureVerifier["verify"]>().toEqualTypeOf<
      (checks: readonly SignatureCheck[]) => Observable<readonly boolean[]>
    >();
    expectTypeOf<SignatureCheck>().toEqualTypeOf<{
      readonly publicKey: Uint8Array;
      readonly message: Uint8Array;
      readonly signature: Uint8Array;
    }>();
    expectTypeOf(platformVerifier).returns.toEqualTypeOf<SignatureVerifier>();
    expectTypeOf<DeviceTrackerOptions["verifier"]>().toEqualTypeOf<SignatureVerifier | undefined>();
    expectTypeOf<DeviceTrackerOptions["unsignedDevices"]>().toEqualTypeOf<UnsignedDevices | undefined>();
    expectTypeOf<UnsignedDevices>().toEqualTypeOf<"accept" | "refuse">();
  });

  it("choose recipients from the result of a lookup", () => {
    expectTypeOf(recipients).parameters.toEqualTypeOf<
      [users: DeviceKeysByUser, policy?: RecipientPolicy | undefined]
    >();
    expectTypeOf(recipients).returns.toEqualTypeOf<Recipients>();
    expectTypeOf<Recipients>().toEqualTypeOf<{
      readonly devices: readonly RecipientDevice[];
      readonly leftOut: readonly LeftOutDevice[];
      readonly uncertain: readonly UserId[];
    }>();
    expectTypeOf<RecipientDevice>().toEqualTypeOf<{
      readonly userId: UserId;
      readonly deviceId: DeviceId;
      readonly device: DeviceKeys;
    }>();
  });

  it("name why a device is left out, and the code of its m.room_key.withheld", () => {
    expectTypeOf<LeftOutDevice>().toEqualTypeOf<{
      readonly userId: UserId;
      readonly deviceId: DeviceId;
      readonly reason: LeftOutReason;
      readonly withheld?: WithheldCode;
    }>();
    expectTypeOf<LeftOutReason>().toEqualTypeOf<
      | "own-device"
      | "key-changed"
      | "rejected"
      | "no-key"
      | "no-olm"
      | "blocked"
      | "identity-unknown"
      | "identity-changed"
      | "identity-removed"
      | "verification-violated"
      | "unsigned"
      | "not-cross-signed"
      | "dehydrated"
    >();
    expectTypeOf<WithheldCode>().toEqualTypeOf<
      "m.blacklisted" | "m.unverified" | "m.unauthorised" | "m.unavailable" | "m.no_olm"
    >();
  });

  it("describe which devices to encrypt for, all of it optional", () => {
    expectTypeOf<RecipientPolicy>().toEqualTypeOf<{
      readonly devices?: "cross-signed" | "all";
      readonly unsigned?: boolean;
      readonly excludeChangedIdentities?: boolean;
      readonly excludeUnknownIdentities?: boolean;
      readonly excludeViolations?: boolean;
      readonly excludeDehydrated?: boolean;
      readonly blocked?: Iterable<DeviceRef>;
      readonly ownDevice?: DeviceRef;
      readonly users?: Iterable<UserId>;
    }>();
    expectTypeOf<DeviceRef>().toEqualTypeOf<{ readonly userId: UserId; readonly deviceId: DeviceId }>();
  });
});
