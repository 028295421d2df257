import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import { leftSince } from "../../src/store/left-since.js";
import { MAX_REMEMBERED_LEFT, REMEMBERED_STEPS, type RememberedStep } from "../../src/store/records.js";
import { BOB, CAROL, crowd } from "../support/users.js";

/** Steps in the order in which they were committed, each written `since>next`, and who left in it; `>next` did not say what it answered. */
function committed(...steps: readonly (string | readonly [string, RememberedStep["left"]])[]): RememberedStep[] {
  return steps.map((step, i) => {
    const [path, left] = typeof step === "string" ? [step, undefined] : step;
    const [since = "", next = ""] = path.split(">");
    return { ...(since !== "" && { since }), next, revision: i + 1, ...(left !== undefined && { left }) };
  });
}
const bobs: readonly UserId[] = [BOB];
const leftOf = (steps: readonly RememberedStep[], since: string | undefined, everyone = false) =>
  [BOB, CAROL].filter(leftSince(steps, since, everyone));

describe("leftSince", () => {
  it("is nobody of the step's own line, however long ago they left", () => {
    const steps = committed(">s1", ["s1>s2", bobs], "s2>s3", "s3>s4");
    for (const since of ["s2", "s3", "s4", undefined]) expect(leftOf(steps, since)).toEqual([]);
  });

  it("is whoever left in steps of another line, though the step's own line goes on", () => {
    const steps = committed(">s1", ["s1>s9", bobs], "s1>s2", "s9>s10", "s2>s3");
    for (const since of ["s1", "s2", "s3"]) expect(leftOf(steps, since)).toEqual([BOB]);
    for (const since of ["s9", "s10"]) expect(leftOf(steps, since)).toEqual([]);
  });

  it("is nobody whose leaving both lines tell, whichever was committed first", () => {
    const both = [
      ["s1>s9", bobs],
      ["s1>s2", bobs],
    ] as const;
    for (const lines of [both, [...both].reverse()]) {
      const steps = committed(">s1", ...lines);
      for (const since of ["s2", "s9"]) expect(leftOf(steps, since)).toEqual([]);
    }
  });

  it("is nobody whose leaving a step tells that was committed twice", () => {
    expect(leftOf(committed(">s1", ["s1>s2", bobs], "s2>s3", ["s1>s2", bobs], "s2>s3"), "s3")).toEqual([]);
  });

  it("is nobody whom the other line names again who was untracked by then, as servers and late responses do; in the step's own line that tells the leaving, too", () => {
    const gone = (step: RememberedStep | undefined) => ({ ...step!, gone: bobs });
    const [first, away, ...rest] = committed(">s1", ["s1>s5", bobs], "s5>s6", "s1>s7");
    expect(leftOf([first!, away!, gone(rest[0]), gone(rest[1])], "s7")).toEqual([]);
    expect(leftOf([first!, away!, gone(rest[0]), rest[1]!], "s7")).toEqual([BOB]);
  });

  it("is whoever left once more in the other line", () => {
    const steps = committed(">s1", ["s1>s5", bobs], "s5>s6", ["s6>s9", bobs], ["s1>s7", bobs]);
    expect(leftOf(steps, "s7")).toEqual([BOB]);
  });

  it("is whoever left in the other line after the two parted, though they left in both before", () => {
    expect(leftOf(committed(">s1", ["s1>s2", bobs], "s2>s3", ["s3>s9", bobs], "s3>s4"), "s4")).toEqual([BOB]);
  });

  it("counts where it is not known where the lines parted what was committed later", () => {
    expect(leftOf(committed(">s1", ["x>s9", bobs], "s1>s2"), "s2")).toEqual([BOB]);
    expect(leftOf(committed(">s1", ["x>s9", bobs], ["s1>s2", bobs]), "s2")).toEqual([]);
  });

  it("is everyone of all remembered steps for one that begins where none of them led", () => {
    expect(leftOf(committed(">s1", ["s1>s2", bobs]), "x")).toEqual([BOB]);
  });

  it("may be anybody for one that begins before all that is remembered, unless it comes after a gap", () => {
    const steps = committed(...Array.from({ length: REMEMBERED_STEPS }, (_, i) => `a${i}>a${i + 1}`));
    expect(leftOf(steps, "x")).toEqual([BOB, CAROL]);
    expect(leftOf(steps, "x", true)).toEqual([]);
    expect(leftOf(steps, "a1")).toEqual([]);
    expect(leftOf(steps.slice(1), "x")).toEqual([]);
  });

  it("may be anybody where they were too many to be remembered", () => {
    const steps = committed(">s1", ["s1>s9", "many"], "s1>s2");
    expect(leftOf(steps, "s2")).toEqual([BOB, CAROL]);
    expect(leftOf(steps, "s9")).toEqual([]);
  });

  it("is whoever left before the step that the server was asked for, where it begins there, and not a step later", () => {
    const [first, second, ...asked] = committed(">s1", ["s1>s2", bobs], "s2>x1");
    const steps = [first, second, ...asked.map((step) => ({ ...step, asked: true }))].flatMap((step) => step ?? []);
    expect(leftOf(steps, "x1")).toEqual([BOB]);
    expect(leftOf([...steps, { since: "x1", next: "x2", revision: 9 }], "x2")).toEqual([]);
  });

  it("may be anybody where too many left in a step of another line, though too many left in the step's own line, too: they need not be the same", () => {
    const steps = [
      { next: "s1", revision: 1 },
      { since: "s1", next: "s9", revision: 2, left: "many" as const },
      { since: "s1", next: "s2", revision: 3, left: "many" as const },
    ];
    expect(leftSince(steps, "s2")(BOB)).toBe(true);
  });

  it("looks at each who left a few times, however many they are: it runs within a transaction", () => {
    const all = crowd(REMEMBERED_STEPS * MAX_REMEMBERED_LEFT);
    let looks = 0;
    const counted = (users: readonly UserId[]) =>
      new Proxy(users, {
        get: (target, key) => {
          if (typeof key === "string" && /^\d+$/.test(key)) looks++;
          return Reflect.get(target, key) as unknown;
        },
      });
    const steps = Array.from({ length: REMEMBERED_STEPS }, (_, i) => ({
      since: `a${i}`,
      next: `b${i}`,
      revision: i + 1,
      left: counted(all.slice(i * MAX_REMEMBERED_LEFT, (i + 1) * MAX_REMEMBERED_LEFT)),
    }));
    expect(leftSince(steps, "b0")(all.at(-1) ?? BOB)).toBe(true);
    expect(looks).toBeLessThan(10 * all.length);
  });
});
