import { UsageError } from "./usage-error.js";
import { isUserId } from "./user-id.js";

/** The account to use, according to the environment. */
export type Account = { readonly homeserverUrl: string | undefined } & (
  | {
      readonly type: "token";
      readonly accessToken: string;
      readonly userId: string | undefined;
      readonly deviceId: string | undefined;
    }
  | { readonly type: "password"; readonly userId: string; readonly password: string | undefined }
);

/** @throws UsageError */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Account {
  const value = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const homeserverUrl = value("MATRIX_HOMESERVER");
  const userId = value("MATRIX_USER_ID");
  const accessToken = value("MATRIX_ACCESS_TOKEN");
  const deviceId = value("MATRIX_DEVICE_ID");
  if (homeserverUrl === undefined && (userId === undefined || !isUserId(userId)))
    throw new UsageError(
      "set MATRIX_HOMESERVER, such as https://matrix.example.org, or MATRIX_USER_ID, such as @alice:example.org, " +
        "whose server says where it is",
    );
  // First, so that no other message repeats them.
  if (homeserverUrl !== undefined && hasCredentials(homeserverUrl))
    throw new UsageError("MATRIX_HOMESERVER must not contain a user name or a password");
  if (homeserverUrl !== undefined && !isHttpUrl(homeserverUrl))
    throw new UsageError(
      `MATRIX_HOMESERVER is not the URL of a homeserver, such as https://matrix.example.org: "${homeserverUrl}"`,
    );
  if (accessToken !== undefined) return { type: "token", homeserverUrl, accessToken, userId, deviceId };
  if (userId === undefined)
    throw new UsageError("set MATRIX_USER_ID to log in with a password, or MATRIX_ACCESS_TOKEN to use a token");
  // The server would end the current session of this device, and the log-out would delete the device.
  if (deviceId !== undefined)
    throw new UsageError(
      "MATRIX_DEVICE_ID is for MATRIX_ACCESS_TOKEN; a log-in with a password makes a device of its own: unset it",
    );
  return { type: "password", homeserverUrl, userId, password: value("MATRIX_PASSWORD") };
}

const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/u.test(new URL(text).protocol);

function hasCredentials(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}
