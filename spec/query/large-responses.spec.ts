import { map, NEVER, tap } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  DEVICES_AT_A_TIME,
  MAX_DEVICES_TOGETHER,
  MAX_LENGTH_TOGETHER,
  USERS_AT_A_TIME,
} from "../../src/model/batch-sizes.js";
import type { UserId } from "../../src/model/ids.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { parseResponse, type ParsedResponse } from "../../src/query/parse-response.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import type { SignatureCheck } from "../../src/trust/signature-verifier.js";
import { track } from "../store/steps.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { BY_OWNER, signature, signed } from "../support/signed.js";
import { ALICE, CAROL, crowd, EVE } from "../support/users.js";
import { processingIn } from "./processing-in.js";

describe("a response about many users", () => {
  const users = crowd(USERS_AT_A_TIME * 2 + 5);
  const response: KeysQueryResponse = {
    device_keys: Object.fromEntries(users.map((userId) => [userId, { PHONE: signed(userId, "PHONE") }])),
  };

  /** Each portion takes the verifier a millisecond. */
  function processingCrowd(m: Marbles) {
    const verifier = new ScriptedVerifier({ scheduler: m.scheduler, takes: 1 });
    const processing = processingIn(m, verifier);
    processing.apply(track(...users));
    const parsed = parseResponse(response, ALICE, 0);
    const parsedAt: number[] = [];
    const portioned: ParsedResponse = {
      ...parsed,
      parseUser: (userId) => {
        parsedAt.push(m.scheduler.now());
        return parsed.parseUser(userId);
      },
    };
    const { query, superseded } = processing.queryFor(...users);
    return { ...processing, verifier, parsedAt, superseded, answers$: processing.process(portioned, query) };
  }

  it(
    "is parsed and verified in portions, one after the other, and saved at once",
    marbles((m) => {
      const { answers$, parsedAt, store } = processingCrowd(m);
      const { update } = store.begun;
      m.expectObservable(answers$.pipe(map(({ size }) => size))).toBe("---(a|)", { a: users.length });
      m.afterwards(() => {
        expect(parsedAt).toEqual(users.map((_, i) => Math.floor(i / USERS_AT_A_TIME)));
        expect(savedIds(store.records, "list")).toEqual(users);
        expect(store.begun.update).toBe(update + 1);
      });
    }),
  );

  it(
    "is superseded for users who change before the last portion is verified",
    marbles((m) => {
      const { answers$, superseded, tracking } = processingCrowd(m);
      m.acts("--s", { s: () => superseded.add(users[0]!) });
      const names$ = answers$.pipe(
        map((answers) => [...answers.values()].filter((one) => one.superseded).map(({ userId }) => userId)),
      );
      m.expectObservable(names$).toBe("---(a|)", { a: users.slice(0, 1) });
      m.afterwards(() => {
        expect(tracking.get(users[0]!)?.outdated).toBe(true);
        expect(tracking.get(users[1]!)?.outdated).toBe(false);
      });
    }),
  );

  it(
    "fails as a whole if the verifier fails at one portion",
    marbles((m) => {
      const { answers$, verifier, store } = processingCrowd(m);
      m.acts("-f", { f: () => verifier.failNext(new Error("worn out")) });
      m.expectObservable(answers$.pipe(map(({ size }) => size))).toBe(
        "--#",
        undefined,
        expect.objectContaining({ name: "VerificationFailedError" }),
      );
      m.afterwards(() => {
        expect(savedIds(store.records, "list")).toEqual([]);
      });
    }),
  );

  it(
    "fails if the verifier does not answer in time",
    marbles((m) => {
      const { process, queryFor } = processingIn(m, { verify: () => NEVER });
      const answers$ = process(
        parseResponse({ device_keys: { [CAROL]: { C: signed(CAROL, "C") } } }, ALICE, 0),
        queryFor(CAROL).query,
      );
      m.expectObservable(answers$).toBe(
        "60s #",
        undefined,
        expect.objectContaining({ name: "VerificationFailedError" }),
      );
    }),
  );
});

describe("a user with thousands of devices among others", () => {
  const others = crowd(USERS_AT_A_TIME + 5);
  const devicesOf = (userId: UserId, count: number, more = {}) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`D${i}`, { ...signed(userId, `D${i}`), ...more }] as const),
    );
  const alone = Object.fromEntries(others.map((userId) => [userId, devicesOf(userId, 2)]));

  /** Each call of the verifier takes a millisecond. */
  function processingHostile(m: Marbles, hostile: ReturnType<typeof devicesOf>) {
    const verifier = new ScriptedVerifier({ scheduler: m.scheduler, takes: 1 });
    const processing = processingIn(m, verifier);
    processing.apply(track(EVE, ...others));
    const { query, superseded } = processing.queryFor(EVE, ...others);
    const response = parseResponse({ device_keys: { [EVE]: hostile, ...alone } }, ALICE, 0);
    return { ...processing, verifier, superseded, answers$: processing.process(response, query) };
  }
  const sizes = map((answers: ReadonlyMap<UserId, unknown>) => answers.size);
  const portions = { o: others.length, m: 1 };

  for (const [name, hostile] of [
    ["many devices", devicesOf(EVE, MAX_DEVICES_TOGETHER + 1)],
    ["long devices", devicesOf(EVE, 2, { filler: "x".repeat(MAX_LENGTH_TOGETHER / 2) })],
  ] as const) {
    it(
      `with ${name} costs the others no verification, and is settled last`,
      marbles((m) => {
        const { answers$, verifier, store } = processingHostile(m, hostile);
        const checks: number[] = [];
        const counted$ = answers$.pipe(tap(() => checks.push(verifier.asked.length)));
        m.expectObservable(counted$.pipe(sizes)).toBe("--o(m|)", portions);
        m.afterwards(() => {
          const ofOthers = 2 * others.length;
          expect(checks).toEqual([ofOthers, ofOthers + Object.keys(hostile).length]);
          expect(savedIds(store.records, "list")).toEqual([...others, EVE]);
        });
      }),
    );
  }

  it(
    "is verified some devices at a time, and not again if nothing has changed",
    marbles((m) => {
      const hostile = devicesOf(EVE, 2 * DEVICES_AT_A_TIME + 5);
      const verifier = new ScriptedVerifier({ scheduler: m.scheduler });
      const calls: number[] = [];
      const counting = {
        verify: (checks: readonly SignatureCheck[]) => {
          calls.push(checks.length);
          return verifier.verify(checks);
        },
      };
      const { process, queryFor, apply } = processingIn(m, counting);
      apply(track(EVE));
      verifier.forged.add(BY_OWNER);
      const forged = Object.keys(hostile).at(-1)!;
      const signatures = { [EVE]: { [`ed25519:${forged}`]: signature(BY_OWNER) } };
      const given = { ...hostile, [forged]: { ...hostile[forged]!, signatures }, BAD: "?" as never };
      const answered = () => {
        calls.length = 0;
        let list: DeviceList | undefined;
        process(parseResponse({ device_keys: { [EVE]: given } }, ALICE, 0), queryFor(EVE).query).subscribe(
          (answers) => {
            list = answers.get(EVE)?.list;
          },
        );
        return { devices: list?.deviceKeys.size, rejected: [...(list?.rejected.keys() ?? [])], calls: [...calls] };
      };
      const devices = 2 * DEVICES_AT_A_TIME + 4;
      const rejected = ["BAD", forged];
      expect(answered()).toEqual({ devices, rejected, calls: [DEVICES_AT_A_TIME, DEVICES_AT_A_TIME, 5] });
      expect(answered()).toEqual({ devices, rejected, calls: [1] });
    }),
  );

  it(
    "leaves the others their answers if the verification fails",
    marbles((m) => {
      const { answers$, verifier, store } = processingHostile(m, devicesOf(EVE, 2_000));
      m.acts("--f", { f: () => verifier.failNext(new Error("worn out")) });
      m.expectObservable(answers$.pipe(sizes)).toBe(
        "--o#",
        portions,
        expect.objectContaining({ name: "VerificationFailedError" }),
      );
      m.afterwards(() => {
        expect(savedIds(store.records, "list")).toEqual(others);
      });
    }),
  );

  it(
    "is superseded by a change that arrives after the others are settled",
    marbles((m) => {
      const { answers$, superseded } = processingHostile(m, devicesOf(EVE, 2_000));
      m.acts("--s", { s: () => superseded.add(EVE) });
      const stale$ = answers$.pipe(map((answers) => [...answers.values()].filter((one) => one.superseded).length));
      m.expectObservable(stale$).toBe("--o---(m|)", { o: 0, m: 1 }); // verified in four parts
    }),
  );
});
