import fc from "fast-check";
import { of } from "rxjs";
import { describe, expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import { InvalidResponseError } from "../../src/model/errors.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { testDevice } from "../../src/testing/test-device.js";
import { ManualTime } from "../support/manual-time.js";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";

const ME = "@me:example.org";
const BOB = "@bob:example.org";
const ODD = "@__proto__:constructor";
const REQUESTED = [BOB, ODD, ME];
const RUNS = Number(process.env.PROPERTY_RUNS ?? 400);

const hostileKey = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "keys",
    "user_id",
    "device_id",
    "algorithms",
    "signatures",
    "PHONE",
    BOB,
    ODD,
    ME,
  ),
  fc.string({ maxLength: 8 }),
);
const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.object({
    key: hostileKey,
    maxDepth: 4,
    maxKeys: 6,
    values: [fc.string({ maxLength: 6 }), fc.integer(), fc.boolean(), fc.constant(null), fc.double()],
  }),
);
const device = fc.oneof(
  anyJson,
  fc
    .tuple(fc.constantFrom(BOB, ODD, ME), fc.constantFrom("PHONE", "__proto__", "constructor"), anyJson)
    .map(([user, id, extra]) => ({ ...testDevice(user, id), extra })),
  fc.record(
    {
      user_id: fc.oneof(fc.constantFrom(BOB, ODD), anyJson),
      device_id: fc.oneof(fc.constantFrom("PHONE", "__proto__"), anyJson),
      algorithms: anyJson,
      keys: anyJson,
      signatures: anyJson,
      unsigned: anyJson,
    },
    { requiredKeys: [] },
  ),
);
/** An object with these own properties, such as `__proto__`. */
const objectOf = (values: fc.Arbitrary<unknown>, keys: fc.Arbitrary<string>): fc.Arbitrary<unknown> =>
  fc.array(fc.tuple(keys, values), { maxLength: 5 }).map((entries) => Object.fromEntries(entries));
const user = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...REQUESTED) }, { weight: 1, arbitrary: hostileKey });
const section = (content: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 6, arbitrary: objectOf(content, user) }, { weight: 1, arbitrary: anyJson });
const key = fc.oneof(
  anyJson,
  fc.record(
    {
      user_id: user,
      usage: fc.oneof(fc.subarray(["master", "self_signing", "user_signing"]), anyJson),
      keys: fc.oneof(objectOf(fc.string(), hostileKey), anyJson),
    },
    { requiredKeys: [] },
  ),
);
const response = fc.oneof(
  { weight: 1, arbitrary: anyJson },
  {
    weight: 6,
    arbitrary: fc.record(
      {
        device_keys: section(fc.oneof(objectOf(device, hostileKey), anyJson)),
        failures: section(anyJson),
        master_keys: section(key),
        self_signing_keys: section(key),
        user_signing_keys: section(key),
        unanswered: fc.oneof(fc.subarray(REQUESTED), anyJson),
        __proto__: anyJson,
      },
      { requiredKeys: [] },
    ),
  },
);

describe("any response to a query", () => {
  const takeUnhandled = collectUnhandledErrors();

  it("ends all lookups, mixes up no devices, and pollutes no prototype", { timeout: 20_000 + RUNS * 20 }, () => {
    const builtIn = Reflect.ownKeys(Object.prototype).map((name) => [
      name,
      Object.getOwnPropertyDescriptor(Object.prototype, name)?.value as unknown,
    ]);
    fc.assert(
      fc.property(response, fc.boolean(), (given, cached) => {
        const tracker = new DeviceTracker({
          userId: ME,
          sync$: of({ next_batch: "s1", device_lists: { changed: cached ? REQUESTED : [] } }),
          keysApi: { query: () => of(given as KeysQueryResponse), changes: () => of({}) },
          scheduler: new ManualTime(),
        });
        tracker.connect();
        let ended = 0;
        for (const lookup$ of [
          tracker.getDeviceKeys(REQUESTED),
          tracker.getDeviceKeys(REQUESTED),
          tracker.getKnownDeviceKeys(REQUESTED),
        ]) {
          lookup$.subscribe({
            next: (result) => {
              for (const [userId, { deviceKeys, masterKey, selfSigningKey, userSigningKey }] of result) {
                for (const [deviceId, theirs] of deviceKeys)
                  expect([theirs.user_id, theirs.device_id]).toEqual([userId, deviceId]);
                for (const theirs of [masterKey, selfSigningKey, userSigningKey])
                  expect(theirs?.user_id ?? userId).toBe(userId);
                expect(userSigningKey === undefined || userId === ME).toBe(true);
              }
            },
            error: (error: unknown) => {
              ended++;
              expect(error).toBeInstanceOf(InvalidResponseError);
            },
            complete: () => ended++,
          });
        }
        const watching = tracker.watchDeviceKeys(REQUESTED).subscribe();
        watching.unsubscribe();
        expect(ended).toBe(3);
        expect(takeUnhandled()).toEqual([]);
        expect(
          Reflect.ownKeys(Object.prototype).map((name) => [
            name,
            Object.getOwnPropertyDescriptor(Object.prototype, name)?.value as unknown,
          ]),
        ).toEqual(builtIn);
      }),
      { numRuns: RUNS },
    );
  });
});
