import { lastValueFrom, map, merge, of, switchMap, take, tap } from "rxjs";
import type { DeviceTracker } from "matrix-device-tracker";
import type { CommandContext } from "../command.js";
import type { DeviceEvent } from "../device-events.js";
import { eventWords } from "../event-words.js";
import { everyoneIsTracked } from "../everyone.js";
import { eventsOf } from "../events-of.js";
import { lastValue } from "../last-value.js";
import { laterMembers } from "../later-members.js";
import { caughtUp, openTracker } from "../open-tracker.js";
import { count } from "../words.js";

/** Prints each change of device lists, until it is stopped or the server logs the device out. */
export async function watch(context: CommandContext, users: readonly string[]): Promise<number> {
  const { output, options } = context;
  const opened = await openTracker(context);
  const { tracker } = opened;
  await caughtUp(opened, context);
  await everyoneIsTracked(opened, context);
  if (users.length > 0) await trackAll(tracker, users, context);

  const watched$ =
    users.length > 0 ? of(new Set(users)) : tracker.trackedUsers$.pipe(map((tracked) => new Set(tracked)));
  const first = await lastValue(
    watched$.pipe(
      take(1),
      switchMap((all) => tracker.getDeviceKeys(all)),
    ),
  );
  const devices = Array.from(first.values()).reduce((sum, { deviceKeys }) => sum + deviceKeys.size, 0);
  output.note(`watching ${count(devices, "device")} of ${count(first.size, "user")}; Ctrl-C ends it`);

  const print = (event: DeviceEvent) => {
    const at = new Date();
    if (options.json) output.json({ at: at.toISOString(), ...event });
    else output.line(["dim", at.toLocaleTimeString("en-GB")], " ", ["bold", event.userId], " ", ...eventWords(event));
  };
  const isWatched = (userId: string) => users.length === 0 || users.includes(userId);
  // The watcher looks up changed users, and each change that it finds is an update. When the sync stream ends, so does
  // the command.
  const looking$ = watched$.pipe(switchMap((all) => tracker.watchDeviceKeys(all)));
  const events$ = eventsOf(tracker, first).pipe(tap((event) => isWatched(event.userId) && print(event)));
  await lastValueFrom(merge(looking$, events$, laterMembers(opened, context), tracker.synced$), {
    defaultValue: undefined,
  });
  return 0;
}

/** Tracks users that are in none of our encrypted rooms as well; the server may not announce them. */
async function trackAll(tracker: DeviceTracker, users: readonly string[], { output }: CommandContext): Promise<void> {
  const tracked = await lastValue(tracker.trackedUsers$.pipe(take(1)));
  for (const userId of users)
    if (!tracked.has(userId))
      output.warn(`${userId} shares no encrypted room with us: the server may not announce their changes`);
  await lastValueFrom(tracker.track(users), { defaultValue: undefined });
}
