import { defer, from, map, switchMap, type Observable } from "rxjs";
import { matrixHttp } from "matrix-device-tracker/http";

/** This token must not be used here, and why. */
class TokenRefusedError extends Error {
  override readonly name = "TokenRefusedError";
}

/**
 * Whose token this is. Fails with `TokenRefusedError` where its device has uploaded keys, or where that cannot be told.
 *
 * A sync with `since=T` tells the server to forget the messages to this device up to T, room keys among them. A device that
 * has keys is somebody's client, which would never get them: this page works only as a device of its own.
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
            "The server does not say which device this token belongs to, so it cannot be told whether another client uses it. Nothing was read.",
          );
        }
        return from(http.post<unknown>("/keys/query", { device_keys: { [userId]: [] } })).pipe(
          map(({ data: answer }) => {
            const devices = member(member(answer, "device_keys"), userId);
            if (member(answer, "device_keys") === undefined)
              throw new TokenRefusedError(
                "The server does not say which of your devices have keys, so this token is not used.",
              );
            if (member(devices, deviceId) !== undefined) {
              throw new TokenRefusedError(
                `This is the token of ${deviceId}, a device that has encryption keys: another client uses it. Reading its sync stream here would take messages away from that client for good, room keys among them. Log in once more to get a token for a device of its own, and use that one.`,
              );
            }
            return { userId, deviceId };
          }),
        );
      }),
    );
  });
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
