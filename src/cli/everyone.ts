import {
  catchError,
  defer,
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

const ROOMS_AT_A_TIME = 4;

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

/** Also fetches the members of rooms that we join later, or again. Never completes. */
export const laterMembers = ({ rooms }: OpenTracker, { output }: CommandContext): Observable<never> =>
  defer(() => {
    const begun = new Set<string>(); // each is fetched once, until we join it again
    return rooms.rooms$.pipe(
      mergeMap((all) => {
        for (const roomId of begun) if (!all.has(roomId)) begun.delete(roomId);
        const joined = Array.from(all.values()).filter((room) => isIncomplete(room) && !begun.has(room.roomId));
        for (const { roomId } of joined) begun.add(roomId);
        return joined;
      }),
      mergeMap((room) => membersOf(rooms, room, output), ROOMS_AT_A_TIME),
    );
  });

/** Members are fetched when they are needed, that is, for a message. */
const membersOf = (rooms: EncryptedRooms, { roomId }: EncryptedRoom, output: Output): Observable<never> =>
  rooms.recipients(roomId).pipe(
    ignoreElements(),
    catchError((error: unknown) => {
      output.warn(error instanceof Error ? error.message : String(error));
      return EMPTY;
    }),
  );

const isIncomplete = ({ isComplete }: EncryptedRoom): boolean => !isComplete;
