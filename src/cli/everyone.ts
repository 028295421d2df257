import {
  catchError,
  EMPTY,
  finalize,
  from,
  ignoreElements,
  lastValueFrom,
  mergeMap,
  take,
  type Observable,
} from "rxjs";
import type { EncryptedRoom, EncryptedRooms } from "matrix-device-tracker/rooms";
import type { CommandContext } from "./command.js";
import { lastValue } from "./last-value.js";
import type { OpenTracker } from "./open-tracker.js";
import type { Output } from "./output.js";
import { count } from "./words.js";

/** Rooms that are fetched at a time. */
export const ROOMS_AT_A_TIME = 4;

/** Resolves once the members of all encrypted rooms are known, and so tracked. */
export async function everyoneIsTracked({ rooms }: OpenTracker, { output }: CommandContext): Promise<void> {
  const all = await lastValue(rooms.rooms$.pipe(take(1)));
  const incomplete = Array.from(all.values()).filter(isIncomplete);
  let done = 0;
  const show = () => output.status(`members: ${done} of ${count(incomplete.length, "room")}`);
  const oneMore = () => {
    done++;
    show();
  };
  show();
  const fetched$ = from(incomplete).pipe(
    mergeMap((room) => membersOf(rooms, room, output).pipe(finalize(oneMore)), ROOMS_AT_A_TIME),
  );
  await lastValueFrom(fetched$, { defaultValue: undefined });
  output.clearStatus();
}

/** Members are fetched when they are needed, so for a message. */
const membersOf = (rooms: EncryptedRooms, { roomId }: EncryptedRoom, output: Output): Observable<never> =>
  rooms.recipients(roomId).pipe(
    ignoreElements(),
    catchError((error: unknown) => {
      output.warn(error instanceof Error ? error.message : String(error));
      return EMPTY;
    }),
  );

export const isIncomplete = ({ isComplete }: EncryptedRoom): boolean => !isComplete;
