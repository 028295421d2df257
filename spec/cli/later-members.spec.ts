import { BehaviorSubject, defer, EMPTY, throwError } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { laterMembers } from "../../src/cli/later-members.js";
import { RoomError, type RoomErrorReason } from "../../src/rooms/errors.js";
import { capturedOutput } from "./captured-output.js";

const ROOM = "!kitchen:home.example";
const joined = (roomIds = [ROOM]) => new Map(roomIds.map((roomId) => [roomId, { roomId, isComplete: false }]));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watching(fail: (roomId: string) => RoomErrorReason | undefined = () => undefined, roomIds = [ROOM]) {
  const rooms$ = new BehaviorSubject(joined(roomIds));
  const fetched: string[] = [];
  const recipients = (roomId: string) =>
    defer(() => {
      fetched.push(roomId);
      const reason = fail(roomId);
      return reason === undefined ? EMPTY : throwError(() => new RoomError(roomId, reason));
    });
  const { output, printed } = capturedOutput();
  const subscription = laterMembers({ rooms: { rooms$, recipients } } as never, { output } as never).subscribe();
  return { rooms$, fetched, printed, subscription };
}

describe("the members of rooms that we join later", () => {
  it("are fetched once each time we join", () => {
    const { rooms$, fetched, subscription } = watching();
    rooms$.next(joined());
    expect(fetched).toEqual([ROOM]);
    rooms$.next(new Map());
    rooms$.next(joined());
    rooms$.next(joined());
    expect(fetched).toEqual([ROOM, ROOM]);
    subscription.unsubscribe();
  });

  it("are fetched again after a failure, which is reported, with a wait that doubles to 5 min", () => {
    const { fetched, printed, subscription } = watching(() => "members-unknown");
    const waits = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
    for (const [i, seconds] of waits.entries()) {
      expect(fetched).toHaveLength(i + 1);
      expect(printed.stderr.trimEnd().split("\n")).toHaveLength(i + 1);
      expect(printed.stderr).toMatch(
        new RegExp(`${ROOM} .*members could not be fetched; next attempt in ${seconds} s\\n$`, "u"),
      );
      vi.advanceTimersByTime(seconds * 1_000 - 1);
      expect(fetched).toHaveLength(i + 1);
      vi.advanceTimersByTime(1);
    }
    subscription.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("are fetched no more once they are known", () => {
    let failures = 2;
    const { fetched, subscription } = watching(() => (failures-- > 0 ? "members-unknown" : undefined));
    vi.advanceTimersByTime(3_600_000);
    expect(fetched).toHaveLength(3);
    subscription.unsubscribe();
  });

  it.each(["not-joined", "not-encrypted", "devices-unknown"] as const)("are not fetched again after %s", (reason) => {
    const { fetched, printed, subscription } = watching(() => reason);
    vi.advanceTimersByTime(3_600_000);
    expect(fetched).toEqual([ROOM]);
    expect(printed.stderr).not.toContain("next attempt");
    subscription.unsubscribe();
  });

  it("are not fetched again if we have left, and at once if we join once more", () => {
    const { rooms$, fetched, subscription } = watching(() => "members-unknown");
    rooms$.next(new Map());
    vi.advanceTimersByTime(3_600_000);
    expect(fetched).toEqual([ROOM]);
    rooms$.next(joined());
    vi.advanceTimersByTime(1_000);
    rooms$.next(new Map());
    rooms$.next(joined());
    expect(fetched).toHaveLength(3);
    vi.advanceTimersByTime(1_999);
    expect(fetched).toHaveLength(3);
    vi.advanceTimersByTime(1);
    expect(fetched).toHaveLength(4);
    subscription.unsubscribe();
  });

  it("do not wait for those of rooms that failed", () => {
    const failing = ["!a:home.example", "!b:home.example", "!c:home.example", "!d:home.example"];
    const { fetched, subscription } = watching(
      (roomId) => (failing.includes(roomId) ? "members-unknown" : undefined),
      [...failing, ROOM],
    );
    expect(fetched).toEqual([...failing, ROOM]);
    subscription.unsubscribe();
  });
});
