import { BehaviorSubject, defer, EMPTY, throwError } from "rxjs";
import { expect, it } from "vitest";
import { everyoneIsTracked, laterMembers } from "../../src/cli/everyone.js";
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

it("fetches the members of incomplete rooms, and warns if that fails", async () => {
  const rooms = [
    { roomId: ROOM, isComplete: false },
    { roomId: "!hall:home.example", isComplete: true },
    { roomId: "!attic:home.example", isComplete: false },
  ];
  const fetched: string[] = [];
  const recipients = (roomId: string) => {
    fetched.push(roomId);
    return roomId === ROOM ? throwError(() => new Error("the members cannot be read")) : EMPTY;
  };
  const rooms$ = new BehaviorSubject(new Map(rooms.map((room) => [room.roomId, room])));
  const context = capturedOutput();
  await everyoneIsTracked({ rooms: { rooms$, recipients } } as never, context as never);
  expect(fetched).toEqual([ROOM, "!attic:home.example"]);
  expect(context.printed.stderr).toBe("warning: the members cannot be read\n");
});
