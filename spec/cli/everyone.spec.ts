import { BehaviorSubject, EMPTY, defer } from "rxjs";
import { expect, it } from "vitest";
import { laterMembers } from "../../src/cli/everyone.js";
import { capturedOutput } from "./captured-output.js";

const ROOM = "!kitchen:home.example";

it("fetches the members of a room once each time we join it", () => {
  const joined = () => new Map([[ROOM, { roomId: ROOM, isComplete: false }]]);
  const rooms$ = new BehaviorSubject(joined());
  const fetched: string[] = [];
  const recipients = (roomId: string) =>
    defer(() => {
      fetched.push(roomId);
      return EMPTY;
    });
  const opened = { rooms: { rooms$, recipients } } as never;
  const subscription = laterMembers(opened, capturedOutput() as never).subscribe();
  rooms$.next(joined());
  expect(fetched).toEqual([ROOM]);
  rooms$.next(new Map());
  rooms$.next(joined());
  rooms$.next(joined());
  expect(fetched).toEqual([ROOM, ROOM]);
  subscription.unsubscribe();
});
