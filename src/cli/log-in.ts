import { Failure } from "./failure.js";
import { fetchJson } from "./fetch-json.js";

/** How long to wait for the response, in ms. */
const DEADLINE = 60_000;
/** Shown in the user's list of devices. */
const DISPLAY_NAME = "matrix-device-tracker (command line)";

export interface Login {
  readonly accessToken: string;
  readonly userId: string;
  readonly deviceId: string;
}

export async function logIn(homeserverUrl: string, user: string, password: string): Promise<Login> {
  const { status, data } = await fetchJson(`${homeserverUrl.replace(/\/+$/u, "")}/_matrix/client/v3/login`, {
    body: {
      type: "m.login.password",
      identifier: { type: "m.id.user", user },
      password,
      initial_device_display_name: DISPLAY_NAME,
    },
    deadline: DEADLINE,
  });
  if (status !== 200) throw new Failure(refusalOf(homeserverUrl, status, data));
  const { access_token: accessToken, user_id: userId, device_id: deviceId } = data;
  if (typeof accessToken !== "string" || typeof userId !== "string" || typeof deviceId !== "string")
    throw new Failure(`${homeserverUrl} accepted the log-in, but returned no access token`);
  return { accessToken, userId, deviceId };
}

function refusalOf(homeserverUrl: string, status: number, data: Readonly<Record<string, unknown>>): string {
  const { errcode, error, retry_after_ms: wait } = data;
  if (typeof errcode !== "string")
    return `${homeserverUrl} is not a homeserver, or cannot be reached there: it returned ${status}`;
  const said = typeof error === "string" ? `${errcode}, "${error}"` : errcode;
  const advice = typeof wait === "number" ? `; try again in ${Math.ceil(wait / 1_000)} s` : "";
  return `the log-in was refused with ${status} (${said})${advice}`;
}
