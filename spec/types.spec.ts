import type { Observable, SchedulerLike, Subscription } from "rxjs";
import { describe, expectTypeOf, it } from "vitest";
import {
  memoryStore,
  type CrossSigningKey,
  type DeviceChanges,
  type DeviceId,
  type DeviceKeys,
  type DeviceKeysByUser,
  type DeviceLists,
  type DeviceStore,
  type DeviceTracker,
  type DeviceTrackerOptions,
  type Freshness,
  type KeysApi,
  type KeysQueryResponse,
  type RejectionReason,
  type SyncResponse,
  type TrackerProblem,
  type UserDeviceKeys,
  type UserId,
} from "../src/index.js";

describe("the public types", () => {
  it("have names for IDs", () => {
    expectTypeOf<UserId>().toEqualTypeOf<string>();
    expectTypeOf<DeviceId>().toEqualTypeOf<string>();
  });

  it("keep wire objects verbatim, unknown properties and all", () => {
    expectTypeOf<DeviceKeys>().toExtend<{ user_id: string; device_id: string; algorithms: string[]; keys: Record<string, string> }>();
    expectTypeOf<DeviceKeys["signatures"]>().toEqualTypeOf<Record<string, Record<string, string>> | undefined>();
    expectTypeOf<DeviceKeys["org.example.extra"]>().toEqualTypeOf<unknown>();
    expectTypeOf<CrossSigningKey>().toExtend<{ user_id: string; usage: string[]; keys: Record<string, string> }>();
    expectTypeOf<CrossSigningKey["org.example.extra"]>().toEqualTypeOf<unknown>();
  });

  it("take a sync response with or without since, null for an initial sync", () => {
    expectTypeOf<{ next_batch: string }>().toExtend<SyncResponse>();
    expectTypeOf<{ next_batch: string; since: null; device_lists: { changed: string[] } }>().toExtend<SyncResponse>();
    expectTypeOf<{ since: string }>().not.toExtend<SyncResponse>();
    expectTypeOf<DeviceLists>().toEqualTypeOf<{ changed?: string[]; left?: string[] }>();
  });

  it("give results that are readonly all the way down", () => {
    expectTypeOf<DeviceKeysByUser>().toEqualTypeOf<ReadonlyMap<UserId, UserDeviceKeys>>();
    expectTypeOf<UserDeviceKeys["deviceKeys"]>().toEqualTypeOf<ReadonlyMap<DeviceId, DeviceKeys>>();
    expectTypeOf<UserDeviceKeys["rejected"]>().toEqualTypeOf<ReadonlyMap<DeviceId, RejectionReason>>();
    expectTypeOf<UserDeviceKeys["lastKnown"]>().toEqualTypeOf<ReadonlyMap<DeviceId, DeviceKeys> | undefined>();
    expectTypeOf<UserDeviceKeys["masterKey"]>().toEqualTypeOf<CrossSigningKey | undefined>();
    expectTypeOf<UserDeviceKeys["fetchedAt"]>().toEqualTypeOf<number>();
    expectTypeOf<DeviceChanges>().toEqualTypeOf<{ readonly changed: readonly UserId[]; readonly left: readonly UserId[] }>();
    expectTypeOf<UserDeviceKeys>().toEqualTypeOf<Readonly<UserDeviceKeys>>();
  });

  it("name every freshness", () => {
    expectTypeOf<Freshness>().toEqualTypeOf<"current" | "superseded" | "untracked" | "unreachable" | "outdated">();
  });

  it("need of the options our user, the sync stream and the keys API", () => {
    expectTypeOf<Pick<DeviceTrackerOptions, "userId" | "sync$" | "keysApi">>().toExtend<DeviceTrackerOptions>();
    expectTypeOf<Pick<DeviceTrackerOptions, "userId" | "sync$">>().not.toExtend<DeviceTrackerOptions>();
    expectTypeOf<DeviceTrackerOptions["sync$"]>().toEqualTypeOf<Observable<SyncResponse>>();
    expectTypeOf<DeviceTrackerOptions["store"]>().toEqualTypeOf<DeviceStore | undefined>();
    expectTypeOf<DeviceTrackerOptions["scheduler"]>().toEqualTypeOf<SchedulerLike | undefined>();
    type Bounds = "maxUsersPerQuery" | "maxConcurrentQueries" | "queryDeadline" | "storeDeadline";
    expectTypeOf<DeviceTrackerOptions[Bounds]>().toEqualTypeOf<number | undefined>();
  });

  it("are the tracker's streams and methods", () => {
    expectTypeOf<DeviceTracker["connect"]>().toEqualTypeOf<() => Subscription>();
    expectTypeOf<DeviceTracker["deviceChanges$"]>().toEqualTypeOf<Observable<DeviceChanges>>();
    expectTypeOf<DeviceTracker["trackedUsers$"]>().toEqualTypeOf<Observable<ReadonlySet<UserId>>>();
    expectTypeOf<DeviceTracker["synced$"]>().toEqualTypeOf<Observable<SyncResponse>>();
    expectTypeOf<DeviceTracker["problems$"]>().toEqualTypeOf<Observable<TrackerProblem>>();
    expectTypeOf<DeviceTracker["getDeviceKeys"]>().parameter(0).toEqualTypeOf<Iterable<UserId>>();
    expectTypeOf<DeviceTracker["getDeviceKeys"]>().parameter(1).toExtend<{ forceDownload?: boolean; timeout?: number } | undefined>();
    expectTypeOf<DeviceTracker["getDeviceKeys"]>().returns.toEqualTypeOf<Observable<DeviceKeysByUser>>();
    expectTypeOf<DeviceTracker["getKnownDeviceKeys"]>().toEqualTypeOf<(users: Iterable<UserId>) => Observable<DeviceKeysByUser>>();
    expectTypeOf<DeviceTracker["watchDeviceKeys"]>().toEqualTypeOf<(users: Iterable<UserId>) => Observable<DeviceKeysByUser>>();
    expectTypeOf<DeviceTracker["track"]>().toEqualTypeOf<(users: Iterable<UserId>) => Observable<void>>();
  });

  it("are the ports: observables, so that a marble test can stand in for each", () => {
    type Query = (request: { device_keys: Record<UserId, []>; timeout?: number }) => Observable<KeysQueryResponse>;
    expectTypeOf<Query>().toExtend<KeysApi["query"]>();
    expectTypeOf<KeysApi["changes"]>().toEqualTypeOf<(range: { from: string; to: string }) => Observable<DeviceLists>>();
    expectTypeOf<DeviceStore["syncToken$"]>().toEqualTypeOf<Observable<string | undefined>>();
    expectTypeOf<DeviceStore["clear"]>().toEqualTypeOf<() => Observable<void>>();
    expectTypeOf(memoryStore).toEqualTypeOf<() => DeviceStore>();
  });

  it("tell problems as a discriminated union, each with a message", () => {
    expectTypeOf<TrackerProblem["message"]>().toEqualTypeOf<string>();
    expectTypeOf<Extract<TrackerProblem, { type: "commit-failed" }>["retryIn"]>().toEqualTypeOf<number>();
    expectTypeOf<string>().not.toExtend<TrackerProblem["type"]>();
  });
});
