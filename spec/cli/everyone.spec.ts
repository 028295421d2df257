import { BehaviorSubject, EMPTY, throwError } from "rxjs";
import { expect, it } from "vitest";
import { everyoneIsTracked } from "../../src/cli/everyone.js";
import { capturedOutput } from "./captured-output.js";

const ROOM = "!kitchen:home.example";

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
