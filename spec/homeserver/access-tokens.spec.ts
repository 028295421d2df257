import { setTimeout as sleep } from "node:timers/promises";
import type { TrackerProblem } from "matrix-device-tracker";
import { expect, it } from "vitest";
import { call } from "./client.js";
import { Person, type Login } from "./person.js";
import { onSynapse } from "./real-homeserver.js";
import { latencies, staleLists } from "./truth.js";

const SOON = { timeout: 5_000, interval: 20 };
/** How long an access token lives, in seconds. */
const TOKEN_LIFETIME = 4;
/** The latest at which a watcher shows a change, in ms. */
const LATEST = 2_000;

/** The access token of a login, renewed when it is refused. */
function renewedToken(url: string, { accessToken, refreshToken }: Login) {
  const session = { accessToken, refreshToken, renewals: 0 };
  const current = async (refused?: string): Promise<string> => {
    if (refused !== session.accessToken) return session.accessToken;
    const body = { refresh_token: session.refreshToken };
    const { access_token, refresh_token } = await call(url, "POST", "/refresh", { body });
    Object.assign(session, { accessToken: access_token, refreshToken: refresh_token, renewals: session.renewals + 1 });
    return session.accessToken;
  };
  return { session, current };
}

onSynapse("an access token", { tokenLifetime: TOKEN_LIFETIME }, ({ servers, application }) => {
  it("expires again and again, and no change is shown late", { timeout: 90_000 }, async () => {
    const { url, serverName } = servers[0]!;
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    await bob.join(await alice.createEncryptedRoom(), serverName);
    const { session, current } = renewedToken(url, await alice.logIn({ isRefreshable: true }));
    const app = application({ url, userId: alice.userId, accessToken: current });
    app.start([bob.userId]);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");

    for (let number = 1; number <= 4; number++) {
      await sleep(1_000 * (TOKEN_LIFETIME + 1));
      await bob.uploadKeys(await bob.logIn());
      await expect.poll(() => app.shown(bob.userId), SOON).toBe(`${number} current`);
    }
    expect(session.renewals).toBeGreaterThanOrEqual(4);
    expect(app.problems).toEqual([]);
    expect(staleLists(bob.userId, bob.devices, app.seen)).toEqual([]);
    expect(latencies(bob.userId, bob.devices, app.seen).filter(({ login }) => login > LATEST)).toEqual([]);
  });

  it("that is revoked ends the session, and no further query is promised", { timeout: 90_000 }, async () => {
    const { url, serverName } = servers[0]!;
    const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
    await bob.join(await alice.createEncryptedRoom(), serverName);
    const login = await alice.logIn();
    const app = application({ url, userId: alice.userId, accessToken: login.accessToken });
    app.start([bob.userId]);
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 current");

    await alice.logOut(login);
    app.tracker.invalidate([bob.userId]).subscribe();
    await expect.poll(() => app.shown(bob.userId), SOON).toBe("0 unreachable");
    const problem = (type: TrackerProblem["type"]) => app.problems.find((one) => one.type === type);
    expect(problem("watch-failed")).toMatchObject({ error: { errcode: "M_UNKNOWN_TOKEN" }, retryIn: undefined });
    // The server may hold a poll that was sent before the log-out.
    await expect
      .poll(() => problem("sync-ended"), { timeout: 60_000, interval: 50 })
      .toMatchObject({
        error: { errcode: "M_UNKNOWN_TOKEN" },
      });
    const failed = app.problems.filter(({ type }) => type === "watch-failed");
    expect(failed.map((one) => "retryIn" in one && one.retryIn)).toEqual(failed.map(() => undefined));
  });
});
