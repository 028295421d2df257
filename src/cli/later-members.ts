import {
  catchError,
  defer,
  delayWhen,
  EMPTY,
  filter,
  ignoreElements,
  merge,
  mergeMap,
  Subject,
  timer,
  type Observable,
} from "rxjs";
import { RoomError } from "matrix-device-tracker/rooms";
import type { CommandContext } from "./command.js";
import { isIncomplete, ROOMS_AT_A_TIME } from "./everyone.js";
import type { OpenTracker } from "./open-tracker.js";

/** First wait before a retry, in ms, as that of `watchRecipients`: doubled each time, up to {@link LAST_WAIT}. */
const FIRST_WAIT = 2_000;
const LAST_WAIT = 300_000;

/** A room whose members are to be fetched. */
interface Attempt {
  readonly roomId: string;
  /** In a row, before this attempt. */
  readonly failures: number;
}

/**
 * Fetches the members of rooms that we join later, too, or once more. If that fails, it is reported, and they are
 * fetched again after 2 s, doubling to 5 min. Never completes.
 */
export const laterMembers = ({ rooms }: OpenTracker, { output }: CommandContext): Observable<never> =>
  defer(() => {
    const begun = new Map<string, Attempt>(); // the last one of each room, until we leave it
    const begin = (attempt: Attempt): Attempt => {
      begun.set(attempt.roomId, attempt);
      return attempt;
    };
    const joined$ = rooms.rooms$.pipe(
      mergeMap((all) => {
        for (const roomId of begun.keys()) if (!all.has(roomId)) begun.delete(roomId);
        const joined = Array.from(all.values()).filter((room) => isIncomplete(room) && !begun.has(room.roomId));
        return joined.map(({ roomId }) => begin({ roomId, failures: 0 }));
      }),
    );
    const failed$ = new Subject<Attempt>();
    const again$ = failed$.pipe(
      delayWhen(({ failures }) => timer(waitAfter(failures))),
      filter((attempt) => begun.get(attempt.roomId) === attempt), // we may have left, or joined once more
    );
    const fetched = ({ roomId, failures }: Attempt): Observable<never> =>
      rooms.recipients(roomId).pipe(
        ignoreElements(),
        catchError((error: unknown) => {
          const next = { roomId, failures: failures + 1 };
          const isRepeated = areMembersUnknown(error) && begun.has(roomId);
          const plan = isRepeated ? `; next attempt in ${waitAfter(next.failures) / 1_000} s` : "";
          output.warn(`${error instanceof Error ? error.message : String(error)}${plan}`);
          if (isRepeated) failed$.next(begin(next));
          return EMPTY;
        }),
      );
    return merge(again$, joined$).pipe(mergeMap(fetched, ROOMS_AT_A_TIME));
  });

/** Devices of members are looked up by the command itself, and we may not be in the room any more. */
const areMembersUnknown = (error: unknown): boolean => error instanceof RoomError && error.reason === "members-unknown";

const waitAfter = (failures: number): number => Math.min(LAST_WAIT, FIRST_WAIT * 2 ** (failures - 1));
