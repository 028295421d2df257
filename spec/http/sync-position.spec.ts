import { describe, expect, it } from "vitest";
import { ConnectionError } from "../../src/http/connection-error.js";
import { MatrixError, type Refusal } from "../../src/http/matrix-error.js";
import {
  afterFailedSave,
  afterFailure,
  afterResponse,
  deadlineAt,
  MAX_SERVER_WAIT,
  startFrom,
  type SyncPosition,
} from "../../src/http/sync-position.js";
import { InvalidResponseError } from "../../src/model/errors.js";

const HALF = 0.5;
const offline = new ConnectionError("/sync", { code: "ERR_NETWORK" });
const refused = (status: number, refusal: Refusal = {}): MatrixError => new MatrixError("/sync", status, refusal);
const news = (next_batch: string): Record<string, unknown> => ({
  next_batch,
  device_lists: { changed: ["@bob:example.org"] },
});
const after = (position: SyncPosition, error: Error): SyncPosition =>
  afterFailure(position, error, HALF).next ?? expect.unreachable();

describe("a response", () => {
  it("moves the token and gets the one of its request", () => {
    const first = afterResponse(startFrom(undefined), { next_batch: "s1", rooms: {} }, 5, 30_000);
    expect(first).toMatchObject({ since: "s1", response: { next_batch: "s1", since: null, rooms: {} } });
    expect(afterResponse(first, { next_batch: "s2" }, 5, 30_000)).toMatchObject({
      since: "s2",
      response: { since: "s1" },
    });
  });

  it("stays as it is, except that since is replaced", () => {
    const body = JSON.parse(
      '{"next_batch":"s1","since":"theirs","device_lists":"nonsense","__proto__":{"a":1},"more":[{}]}',
    ) as Record<string, unknown>;
    const { response } = afterResponse(startFrom("s0"), body, 5, 30_000);
    expect(JSON.stringify(response)).toBe(
      '{"next_batch":"s1","since":"s0","device_lists":"nonsense","__proto__":{"a":1},"more":[{}]}',
    );
    expect(Object.getPrototypeOf(response)).toBe(Object.prototype);
  });

  it.each([[{}], [{ status: "login required" }], [{ next_batch: "" }], [{ next_batch: 5 }]])(
    "is invalid if it is %j",
    (body: Record<string, unknown>) => {
      const error = (() => {
        try {
          return afterResponse(startFrom("s0"), body, 5, 30_000);
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toBeInstanceOf(InvalidResponseError);
      expect(error).toMatchObject({ endpoint: "/sync", path: "next_batch" });
    },
  );
});

describe("a failure", () => {
  it("keeps the token, is counted, and is followed by longer waits", () => {
    let position = startFrom("s1");
    const reports = [1, 2, 3].map(() => {
      const { failed, next } = afterFailure(position, offline, HALF);
      position = next ?? expect.unreachable();
      return failed;
    });
    expect(
      reports.map(({ type, attempt, retryIn, since, error }) => ({ type, attempt, retryIn, since, error })),
    ).toEqual([
      { type: "request-failed", attempt: 1, retryIn: 1_500, since: "s1", error: offline },
      { type: "request-failed", attempt: 2, retryIn: 3_000, since: "s1", error: offline },
      { type: "request-failed", attempt: 3, retryIn: 6_000, since: "s1", error: offline },
    ]);
    expect(reports[0]?.message).toContain("sync attempt 1 failed, next attempt in 1500 ms: no response from /sync");
    expect(position).toMatchObject({ since: "s1", catchUp: true, wait: { ms: 6_000, atLeast: 0 } });
  });

  it("is followed by at least the wait that the server requires", () => {
    expect(after(startFrom("s1"), refused(429, { retryAfter: 4_000 })).wait).toEqual({ ms: 4_000, atLeast: 4_000 });
    expect(after(startFrom("s1"), refused(503, { retryAfter: 10 })).wait).toEqual({ ms: 1_500, atLeast: 10 });
  });

  it("is followed by a wait of at most an hour", () => {
    expect(after(startFrom("s1"), refused(429, { retryAfter: 1e15 })).wait.ms).toBe(MAX_SERVER_WAIT);
  });

  it("is forgotten with the next news", () => {
    const position = afterResponse(after(after(startFrom("s1"), offline), offline), news("s2"), 5, 30_000);
    expect(afterFailure(position, offline, HALF).failed.attempt).toBe(1);
  });

  it("is forgotten after a poll that was held", () => {
    const caughtUp = afterResponse(after(startFrom("s1"), offline), { next_batch: "s1" }, 5, 30_000);
    const held = afterResponse(caughtUp, { next_batch: "s1" }, 30_000, 30_000);
    expect(afterFailure(held, offline, HALF).failed.attempt).toBe(1);
  });

  it("is not forgotten after catching up: each long poll may fail", () => {
    let position = startFrom("s1");
    for (let i = 0; i < 6; i++)
      position = afterResponse(after(position, refused(504)), { next_batch: "s1" }, 5, 30_000);
    expect(afterFailure(position, refused(504), HALF).failed).toMatchObject({ attempt: 7, retryIn: 45_000 });
  });
});

describe("a deadline that passes", () => {
  const late = new ConnectionError("/sync", { deadline: 60_000 });

  it("doubles the next one, up to an hour, until there is a response", () => {
    let position = startFrom("s1");
    const deadlines = Array.from({ length: 8 }, () => {
      position = after(position, late);
      return deadlineAt(position, 60_000);
    });
    expect(deadlines).toEqual([2, 4, 8, 16, 32, 60, 60, 60].map((minutes) => minutes * 60_000));
    expect(deadlineAt(afterResponse(position, { next_batch: "s1" }, 5, 30_000), 60_000)).toBe(60_000);
  });

  it("doubles the deadline of an initial sync, too", () => {
    expect(deadlineAt(after(startFrom(undefined), late), 300_000)).toBe(600_000);
  });

  it("still counts after another failure, which does not count", () => {
    const position = after(after(startFrom("s1"), late), offline);
    expect(deadlineAt(position, 60_000)).toBe(120_000);
    expect(deadlineAt(after(startFrom("s1"), new ConnectionError("/refresh", { deadline: 5 })), 60_000)).toBe(60_000);
  });

  it("does not shorten a deadline of more than an hour", () => {
    expect(deadlineAt(after(startFrom("s1"), late), 7_200_000)).toBe(7_200_000);
  });
});

describe("a response that cannot be saved", () => {
  it("is requested again after growing waits, whatever the error", () => {
    const full = refused(401, { errcode: "M_UNKNOWN_TOKEN" }); // of a request that `save` sent
    const { failed, next } = afterFailedSave(startFrom("s1"), full, HALF);
    expect(failed).toMatchObject({ type: "save-failed", error: full, attempt: 1, retryIn: 1_500, since: "s1" });
    expect(failed.message).toContain("sync attempt 1 could not save its response, next attempt in 1500 ms");
    expect(next).toMatchObject({ since: "s1", failures: 1, catchUp: true });
    expect(afterFailedSave(next ?? expect.unreachable(), full, HALF).failed).toMatchObject({
      attempt: 2,
      retryIn: 3_000,
    });
  });
});

describe("a refused since", () => {
  it.each(["M_UNKNOWN", "M_INVALID_PARAM", "M_INVALID_ARGUMENT_VALUE"])(
    "(400 %s) is dropped, and an initial sync follows",
    (errcode) => {
      const { failed, next } = afterFailure(startFrom("nonsense"), refused(400, { errcode }), HALF);
      expect(failed).toMatchObject({ type: "since-refused", since: "nonsense", retryIn: 1_500 });
      expect(failed.message).toContain("starts over with an initial sync in 1500 ms");
      expect(next).toMatchObject({ since: undefined, failures: 1 });
    },
  );

  it.each([
    [400, "M_NOT_JSON"],
    [400, undefined],
    [404, "M_UNKNOWN"],
    [500, "M_UNKNOWN"],
  ])("is not %i %s", (status, errcode) => {
    expect(after(startFrom("s1"), refused(status, { errcode })).since).toBe("s1");
  });

  it.each(["M_OTHER", undefined])("can be any 400 that repeats three times: %s", (errcode) => {
    let position = startFrom("s1");
    const types = Array.from({ length: 4 }, () => {
      const { failed, next } = afterFailure(position, refused(400, { errcode }), HALF);
      position = next ?? expect.unreachable();
      return [failed.type, position.since];
    });
    expect(types).toEqual([
      ["request-failed", "s1"],
      ["request-failed", "s1"],
      ["since-refused", undefined],
      ["request-failed", undefined],
    ]);
  });

  it("is not a 400 that repeats with other failures in between", () => {
    let position = startFrom("s1");
    for (let n = 0; n < 5; n++) position = after(after(position, refused(400)), offline);
    expect(position.since).toBe("s1");
  });

  it("is not the refusal of a request that accessToken sent", () => {
    const error = new MatrixError("https://id.example.org/token", 400, { errcode: "M_INVALID_PARAM" });
    expect(after(startFrom("s1"), error).since).toBe("s1");
  });

  it("leads to ever fewer initial syncs if the server refuses each one", () => {
    let position = startFrom("s1");
    let initialSyncs = 0;
    for (let elapsed = 0; elapsed < 600_000; elapsed += position.wait.ms) {
      position = after(position, refused(400, { errcode: "M_UNKNOWN" }));
      initialSyncs++;
      const { wait } = position;
      position = { ...afterResponse(position, news(`s${elapsed}`), 5, 30_000), wait };
    }
    expect(initialSyncs).toBeLessThan(20);
  });

  it("is not the reason if an initial sync fails", () => {
    expect(afterFailure(startFrom(undefined), refused(400, { errcode: "M_UNKNOWN" }), HALF).failed.type).toBe(
      "request-failed",
    );
  });
});

describe("a final failure", () => {
  it.each([
    [401, "M_UNKNOWN_TOKEN"],
    [403, "M_USER_DEACTIVATED"],
    [401, "M_USER_DEACTIVATED"],
  ])("is %i %s", (status, errcode) => {
    const error = refused(status, { errcode });
    const { failed, next } = afterFailure(startFrom("s1"), error, HALF);
    expect(next).toBeUndefined();
    expect(failed).toMatchObject({ type: "ended", error, attempt: 1, retryIn: null, since: "s1" });
  });

  it.each([
    [401, "M_USER_LOCKED"],
    [401, "M_MISSING_TOKEN"],
    [401, undefined],
    [403, undefined],
    [403, "M_FORBIDDEN"],
    [403, "M_CONSENT_NOT_GIVEN"],
    [400, "M_UNKNOWN_TOKEN"],
    [404, "M_UNRECOGNIZED"],
  ])("is not %i %s", (status, errcode) => {
    expect(afterFailure(startFrom("s1"), refused(status, { errcode }), HALF).next).toBeDefined();
  });
});

it("a refused token is not final if there is another one", () => {
  const error = refused(401, { errcode: "M_UNKNOWN_TOKEN", tokenReplaced: true });
  expect(afterFailure(startFrom("s1"), error, HALF).next).toMatchObject({ since: "s1" });
});

it("what accessToken throws is not final", () => {
  const error = new MatrixError("https://id.example.org/token", 401, { errcode: "M_UNKNOWN_TOKEN" });
  expect(afterFailure(startFrom("s1"), error, HALF).next).toBeDefined();
});

it("an empty token means an initial sync", () => {
  expect(startFrom("").since).toBeUndefined();
});
