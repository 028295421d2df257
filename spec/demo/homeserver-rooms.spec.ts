import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startHomeserver } from "../../demo/homeserver/start-homeserver.mjs";

const ALICE = "@alice:home.example";
const BOB = "@bob:home.example";
const CAROL = "@carol:home.example";
const DAVE = "@dave:elsewhere.example";
const KITCHEN = "!kitchen:home.example";
const LAZY = JSON.stringify({ room: { state: { lazy_load_members: true } } });

let homeserver: Awaited<ReturnType<typeof startHomeserver>>;
beforeEach(async () => {
  homeserver = await startHomeserver({ latency: 0 });
});
afterEach(() => homeserver.stop());

/** A response as JSON, of any shape. */
type Json = ReturnType<typeof JSON.parse>;

async function ask(method: string, path: string, body?: object): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${homeserver.url}${path}`, {
    method,
    headers: { authorization: "Bearer demo", ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const client = "/_matrix/client/v3";
const room = (method: string, path: string, body?: object) =>
  ask(method, `${client}/rooms/${encodeURIComponent(KITCHEN)}/${path}`, body);
const control = (action: string, user_id: string) => ask("POST", `/control/${action}`, { user_id });
const sync = async (since?: string, filter?: string): Promise<Json> => {
  const query = new URLSearchParams({ timeout: "10", ...(since && { since }), ...(filter && { filter }) });
  return (await ask("GET", `${client}/sync?${query}`)).body;
};
const names = (events: readonly Json[]): string[] =>
  events.map(({ type, state_key, content: { membership } }) =>
    type === "m.room.member" ? `${state_key} ${membership}` : type,
  );
const members = async (at?: string): Promise<string[]> => {
  const query = new URLSearchParams({ not_membership: "leave", ...(at && { at }) });
  return names((await room("GET", `members?${query}`)).body.chunk);
};

describe("the kitchen on the demo's homeserver", () => {
  it("is in an initial sync with its whole state", async () => {
    const { join } = (await sync()).rooms;
    expect(names(join[KITCHEN].state.events)).toEqual([
      "m.room.create",
      "m.room.history_visibility",
      "m.room.encryption",
      ...[ALICE, BOB, CAROL, DAVE].map((userId) => `${userId} join`),
    ]);
  });

  it("comes with our own member event only if the filter asks for lazy loading", async () => {
    const { join } = (await sync(undefined, LAZY)).rooms;
    expect(names(join[KITCHEN].state.events).slice(3)).toEqual([`${ALICE} join`]);
  });

  it("names who comes and goes in its timeline, and announces them", async () => {
    const { next_batch: since } = await sync();
    await control("leave", BOB);
    const left = await sync(since);
    expect(names(left.rooms.join[KITCHEN].timeline.events)).toEqual([`${BOB} leave`]);
    expect(left.device_lists).toEqual({ changed: [], left: [BOB] });
    await control("join", BOB);
    const back = await sync(left.next_batch);
    expect(names(back.rooms.join[KITCHEN].timeline.events)).toEqual([`${BOB} join`]);
    expect(back.device_lists).toEqual({ changed: [BOB], left: [] });
  });

  it("shows an invitation without announcing the user or their devices", async () => {
    await room("POST", "kick", { user_id: BOB });
    const { next_batch: since } = await sync();
    expect(await room("POST", "invite", { user_id: BOB })).toEqual({ status: 200, body: {} });
    await control("add-device", BOB);
    const { rooms, device_lists } = await sync(since);
    expect(names(rooms.join[KITCHEN].timeline.events)).toEqual([`${BOB} invite`]);
    expect(device_lists).toEqual({ changed: [], left: [] });
    expect(await members()).toContain(`${BOB} invite`);
  });

  it("returns its members as of a sync token", async () => {
    const { next_batch: before } = await sync();
    await room("POST", "kick", { user_id: CAROL });
    await room("POST", "invite", { user_id: CAROL });
    expect(await members(before)).toContain(`${CAROL} join`);
    expect(await members()).toContain(`${CAROL} invite`);
    await room("POST", "kick", { user_id: CAROL });
    expect(await members()).toEqual([ALICE, BOB, DAVE].map((userId) => `${userId} join`));
  });

  it("changes its history visibility, and not its encryption", async () => {
    const { next_batch: since } = await sync();
    const visibility = { history_visibility: "joined" };
    await room("PUT", "state/m.room.history_visibility/", visibility);
    expect((await room("GET", "state/m.room.history_visibility/")).body).toEqual(visibility);
    const { rooms } = await sync(since);
    expect(rooms.join[KITCHEN].timeline.events).toMatchObject([{ sender: ALICE, state_key: "", content: visibility }]);
    expect((await room("GET", "state/m.room.encryption/")).body.algorithm).toBe("m.megolm.v1.aes-sha2");
    expect((await room("PUT", "state/m.room.encryption/", {})).status).toBe(404);
  });

  it("is left, with all who share no other room with us, and joined again", async () => {
    const { next_batch: since } = await sync();
    await room("POST", "leave", {});
    const left = await sync(since);
    expect(names(left.rooms.leave[KITCHEN].timeline.events)).toEqual([`${ALICE} leave`]);
    expect(left.device_lists).toEqual({ changed: [], left: [BOB, CAROL, DAVE] });
    await control("leave", BOB);
    await control("add-device", CAROL);
    const away = await sync(left.next_batch);
    expect([away.rooms, away.device_lists]).toEqual([undefined, { changed: [], left: [] }]);
    expect((await room("GET", "members")).body.errcode).toBe("M_FORBIDDEN");

    expect((await room("POST", "join", {})).body).toEqual({ room_id: KITCHEN });
    const back = await sync(away.next_batch);
    expect(names(back.rooms.join[KITCHEN].state.events)).toContain(`${BOB} leave`);
    expect(back.device_lists).toEqual({ changed: [CAROL, DAVE], left: [] });
  });

  it.each([
    ["an invitation of a member", "invite", { user_id: BOB }, 403, "M_FORBIDDEN"],
    ["the removal of a user who is not there", "kick", { user_id: "@unknown:home.example" }, 404, "M_NOT_FOUND"],
    ["an invitation of no user", "invite", {}, 400, "M_BAD_JSON"],
  ])("refuses %s", async (_, action, body, status, errcode) => {
    const answer = await room("POST", action, body);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it("refuses a filter that is not JSON", async () => {
    expect(await sync(undefined, "{")).toMatchObject({ errcode: "M_INVALID_PARAM" });
  });
});
