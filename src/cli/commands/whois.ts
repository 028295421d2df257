import { forkJoin, map, switchMap, take } from "rxjs";
import type { DeviceTracker } from "matrix-device-tracker";
import type { CommandContext } from "../command.js";
import { devicesOf, nameOf, signedBy, type DeviceJson } from "../describe-device.js";
import { everyoneIsTracked } from "../everyone.js";
import { lastValue } from "../last-value.js";
import { caughtUp, openTracker } from "../open-tracker.js";
import { count } from "../words.js";

const ALGORITHMS = ["curve25519", "ed25519"] as const;

interface Claimant {
  readonly userId: string;
  readonly algorithm: string;
  readonly device: DeviceJson;
}

/** Finds the devices, among all members of our encrypted rooms, that have signed a public key as theirs. */
export async function whois(context: CommandContext, [key = ""]: readonly string[]): Promise<number> {
  const { output, options } = context;
  const opened = await openTracker(context);
  await caughtUp(opened, context);
  await everyoneIsTracked(opened, context);
  const { tracker } = opened;
  const lists = await lastValue(
    tracker.trackedUsers$.pipe(
      take(1),
      switchMap((users) => tracker.getDeviceKeys(users)),
    ),
  );
  const found = await claimants(tracker, key);
  for (const { userId, algorithm, device } of found) {
    if (options.json) output.json({ userId, algorithm, ...device });
    else
      output.line(
        ["bold", userId],
        " ",
        ["cyan", device.deviceId],
        ` (${algorithm}), `,
        signedBy(device),
        "  ",
        nameOf(device),
      );
  }
  if (found.length > 1) output.warn("more than one device claims this key: attribute nothing to any of them");
  if (found.length === 0) output.note(`none of the devices of ${count(lists.size, "user")} has signed this key`);
  return found.length === 1 ? 0 : 1;
}

function claimants(tracker: DeviceTracker, key: string): Promise<readonly Claimant[]> {
  const lookups = ALGORITHMS.map((algorithm) =>
    tracker.findDevice(algorithm, key).pipe(map((refs) => refs.map((ref) => ({ ...ref, algorithm })))),
  );
  return lastValue(
    forkJoin(lookups).pipe(
      map((all) => all.flat()),
      switchMap((refs) =>
        tracker.getKnownDeviceKeys(refs.map(({ userId }) => userId)).pipe(
          map((known) =>
            refs.flatMap(({ userId, deviceId, algorithm }) => {
              const list = known.get(userId);
              const device = list && devicesOf(list).find((one) => one.deviceId === deviceId);
              return device === undefined ? [] : [{ userId, algorithm, device }];
            }),
          ),
        ),
      ),
    ),
  );
}
