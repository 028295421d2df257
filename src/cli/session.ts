import type { AxiosInstance } from "axios";
import { matrixHttp, ownDevice } from "matrix-device-tracker/http";
import { askPassword, type Input } from "./ask-password.js";
import { discover } from "./discover.js";
import type { Account } from "./environment.js";
import { Failure } from "./failure.js";
import { complaintAbout } from "./homeserver-url.js";
import { lastValue } from "./last-value.js";
import { logIn } from "./log-in.js";
import type { Output } from "./output.js";
import { requireConnection } from "./require-connection.js";
import { UsageError } from "./usage-error.js";
import { serverNameIn } from "./user-id.js";

/** How long to wait for the response to a log-out, in ms: the user wants to end. */
const LOGOUT_DEADLINE = 10_000;

/** A device that no other client uses. */
export interface Session {
  readonly http: AxiosInstance;
  readonly userId: string;
  readonly deviceId: string;
}

export interface SessionContext {
  readonly stdin: Input;
  readonly output: Output;
  /** Runs when the command ends, for whatever reason. */
  readonly atEnd: (cleanUp: () => void | Promise<void>) => void;
}

/** Uses the access token of the environment, or logs in for the duration of the command. */
export async function openSession(account: Account, context: SessionContext): Promise<Session> {
  const homeserverUrl = account.homeserverUrl ?? (await discovered(account, context.output));
  const complaint = complaintAbout(homeserverUrl); // before a password is asked for or sent
  if (complaint !== undefined) throw new UsageError(complaint);
  const { output, stdin } = context;
  if (account.type === "token") {
    output.status("checking the access token");
    await requireConnection(homeserverUrl); // no token is sent before
    return withToken(homeserverUrl, account);
  }
  const password =
    account.password ?? (await askPassword(stdin, (text) => output.prompt(text), `Password of ${account.userId}: `));
  if (password === "") throw new UsageError("the password is empty");
  return withPassword(homeserverUrl, { ...account, password }, context);
}

function discovered({ userId = "" }: Account, output: Output): Promise<string> {
  const serverName = serverNameIn(userId);
  output.status(`asking ${serverName} for its homeserver`);
  return discover(serverName);
}

async function withToken(homeserverUrl: string, account: Account & { readonly type: "token" }): Promise<Session> {
  const http = matrixHttp({ homeserverUrl, accessToken: account.accessToken });
  const { userId, deviceId } = await lastValue(ownDevice(http));
  if (account.userId?.startsWith("@") === true && account.userId !== userId)
    throw new Failure(`the access token is that of ${userId}, not of ${account.userId} (MATRIX_USER_ID)`);
  if (account.deviceId !== undefined && account.deviceId !== deviceId)
    throw new Failure(`the access token is that of the device ${deviceId}, not ${account.deviceId} (MATRIX_DEVICE_ID)`);
  return { http, userId, deviceId };
}

async function withPassword(
  homeserverUrl: string,
  account: { readonly userId: string; readonly password: string },
  { output, atEnd }: SessionContext,
): Promise<Session> {
  output.status("logging in");
  const opening = logIn(homeserverUrl, account.userId, account.password).then(
    ({ accessToken, userId, deviceId }): Session => ({
      http: matrixHttp({ homeserverUrl, accessToken }),
      userId,
      deviceId,
    }),
  );
  // Registered before the log-in succeeds: a command that is stopped in the meantime must not leave a device behind.
  atEnd(async () => {
    const session = await opening.catch(() => undefined);
    if (session === undefined) return;
    output.status("logging out");
    await session.http.post("/logout", {}, { timeout: LOGOUT_DEADLINE }).catch((cause: unknown) => {
      throw new Failure(
        `the log-out failed, so the device ${session.deviceId} is still there; remove it with another client`,
        { cause },
      );
    });
  });
  return opening;
}
