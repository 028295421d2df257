import { defer, from, map, switchMap, type Observable } from "rxjs";
import { matrixHttp } from "matrix-device-tracker/http";

/** The reason why a token must not be used here. */
export class TokenRefusedError extends Error {
  override readonly name = "TokenRefusedError";
}

/**
 * The user and device of an access token. Fails with `TokenRefusedError` if the device has uploaded keys, or if that is
 * unknown.
 *
 * A sync with `since=T` makes the server delete the messages to this device up to T, room keys among them. A device
 * with keys belongs to another client, which would never get them: this page needs a device of its own.
 */
export function ownDevice(
  homeserverUrl: string,
  accessToken: string,
): Observable<{ userId: string; deviceId: string }> {
  return defer(() => {
    const http = matrixHttp({ homeserverUrl, accessToken });
    return from(http.get<unknown>("/account/whoami")).pipe(
      switchMap(({ data }) => {
        const [userId, deviceId] = [member(data, "user_id"), member(data, "device_id")];
        if (typeof userId !== "string" || typeof deviceId !== "string") {
          throw new TokenRefusedError(
            "The server did not say which device this token belongs to, so another client may be using it. Nothing was read.",
          );
        }
        return from(http.post<unknown>("/keys/query", { device_keys: { [userId]: [] } })).pipe(
          map(({ data: answer }) => {
            requireNoKeys(answer, userId, deviceId);
            return { userId, deviceId };
          }),
        );
      }),
    );
  });
}

function requireNoKeys(answer: unknown, userId: string, deviceId: string): void {
  const devices = member(member(answer, "device_keys"), userId);
  if (member(answer, "device_keys") === undefined)
    throw new TokenRefusedError(
      "The server did not say which of your devices have keys, so this token cannot be used safely.",
    );
  if (member(devices, deviceId) !== undefined)
    throw new TokenRefusedError(
      `This token belongs to ${deviceId}, a device with encryption keys: another client uses it. Syncing here would delete that client’s messages for good, room keys among them. Log in once more, and use the token of the new device.`,
    );
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
