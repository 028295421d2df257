import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { DeviceKeys, DeviceLists, KeysQueryResponse } from "../../src/model/wire.js";
import { LoopbackServer, type SeenRequest } from "../http/loopback-server.js";
import { signedAccount, signedAnswer, type SignedAccount } from "../support/signed-account.js";
import { EVE } from "../support/users.js";

export const ROOM = "!room:example.org";

/** A homeserver of one encrypted room, for a client of one of its members. It announces changes as Synapse does. */
export class JsSdkHomeserver {
  readonly server = new LoopbackServer((request) => {
    this.#answer(request);
  });
  /** Set it to answer a `/keys/query` in another way, or later. `answer` has the lists as they are now. */
  onKeysQuery: ((request: SeenRequest, answer: () => void) => void) | undefined;
  /** Whether polls without a timeout are held as well, until the next change. */
  holdsPolls = false;
  logOutStatus = 200;
  /** The most polls that were open at the same time. */
  mostPolls = 0;
  readonly #members: readonly UserId[];
  readonly #accounts = new Map<UserId, SignedAccount>();
  readonly #devices = new Map<UserId, Map<DeviceId, DeviceKeys>>();
  /** What was announced, in order: the token of position n comes after the first n. */
  readonly #announced: { readonly userId: UserId; readonly as: "changed" | "left" }[] = [];
  readonly #polls: SeenRequest[] = [];

  constructor(...members: readonly UserId[]) {
    this.#members = members;
  }

  /** @param as `unseen` if the user is not in the room */
  logIn(userId: UserId, deviceId: DeviceId, as: "changed" | "unseen" = "changed"): void {
    this.#set(this.#account(userId).device(deviceId));
    if (as === "changed") this.announce(userId);
  }

  logOut(userId: UserId, deviceId: DeviceId): void {
    this.#devices.get(userId)?.delete(deviceId);
    this.announce(userId);
  }

  /** The user has another identity, which signs the same devices. */
  resetIdentity(userId: UserId): void {
    const account = signedAccount(userId, `${userId} after a reset`);
    this.#accounts.set(userId, account);
    for (const deviceId of this.#devices.get(userId)?.keys() ?? []) this.#set(account.device(deviceId));
    this.announce(userId);
  }

  announce(userId: UserId, as: "changed" | "left" = "changed"): void {
    this.#announced.push({ userId, as });
    this.endPolls();
  }

  /** Answers polls that are held. */
  endPolls(): void {
    this.holdsPolls = false;
    for (const poll of this.#polls.splice(0)) if (!poll.aborted) this.#answerPoll(poll);
  }

  sent(endpoint: string): readonly SeenRequest[] {
    return this.server.requests.filter(({ path }) => path === `/_matrix/client/v3${endpoint}`);
  }

  /** The devices of a user that to-device messages were sent to. */
  messaged(userId: UserId): readonly DeviceId[] {
    const sent = this.server.requests.filter(({ path }) => path.includes("/sendToDevice/"));
    const bodies = sent.map(({ body }) => body as { readonly messages: Readonly<Record<UserId, object>> });
    return bodies.flatMap(({ messages }) => Object.keys(messages[userId] ?? {})).sort();
  }

  /** How many queries have named this user. */
  queriesOf(userId: UserId): number {
    return this.sent("/keys/query").filter(({ body }) => usersIn(body).includes(userId)).length;
  }

  /** Who has sent queries, by user agent: axios are those of the tracker. */
  get queryAgents(): readonly string[] {
    const agents = this.sent("/keys/query").map(({ headers }) => headers["user-agent"]?.split("/")[0] ?? "");
    return [...new Set(agents)];
  }

  get openPolls(): number {
    return this.#polls.filter(({ aborted }) => !aborted).length;
  }

  #account(userId: UserId): SignedAccount {
    const account = this.#accounts.get(userId) ?? signedAccount(userId);
    this.#accounts.set(userId, account);
    return account;
  }

  #set(device: DeviceKeys): void {
    const devices = this.#devices.get(device.user_id) ?? new Map<DeviceId, DeviceKeys>();
    this.#devices.set(device.user_id, devices.set(device.device_id, device));
  }

  #answer(request: SeenRequest): void {
    const { path, query } = request;
    const endpoint = path.replace(/^\/_matrix\/client\/v3/u, "");
    if (endpoint === "/sync") this.#poll(request);
    else if (endpoint === "/keys/query") this.#answerQuery(request);
    else if (endpoint === "/keys/changes") request.answer(200, this.#changesSince(query.from));
    else if (endpoint === "/keys/upload") this.#upload(request);
    else if (endpoint === "/pushrules/") request.answer(200, { global: {} });
    else if (endpoint.endsWith("/filter")) request.answer(200, { filter_id: "1" });
    else if (endpoint.startsWith("/sendToDevice/")) request.answer(200);
    else if (endpoint.startsWith("/rooms/")) request.answer(200, { event_id: "$sent" });
    else if (endpoint === "/logout") request.answer(this.logOutStatus);
    else if (endpoint === "/keys/claim") request.answer(200, { one_time_keys: {} });
    else if (path === "/_matrix/client/versions") request.answer(200, { versions: ["v1.11"] });
    else request.answer(404, { errcode: "M_NOT_FOUND" });
  }

  #upload(request: SeenRequest): void {
    const { device_keys: device } = request.body as { readonly device_keys?: DeviceKeys };
    request.answer(200, { one_time_key_counts: { signed_curve25519: 50 } });
    if (device === undefined) return;
    this.#set(device);
    this.announce(device.user_id);
  }

  #poll(request: SeenRequest): void {
    const { since, timeout } = request.query;
    this.mostPolls = Math.max(this.mostPolls, this.openPolls + 1);
    if (!this.holdsPolls && (timeout === "0" || positionOf(since) < this.#announced.length)) this.#answerPoll(request);
    else this.#polls.push(request);
  }

  #answerPoll(request: SeenRequest): void {
    const { since } = request.query;
    const next_batch = `s${this.#announced.length}`;
    if (since === undefined) request.answer(200, { next_batch, rooms: { join: { [ROOM]: this.#room() } } });
    else request.answer(200, { next_batch, device_lists: this.#changesSince(since) });
  }

  #changesSince(token: string | undefined): Required<DeviceLists> {
    const last = new Map(this.#announced.slice(positionOf(token)).map(({ userId, as }) => [userId, as]));
    const named = (list: "changed" | "left") => Array.from(last.keys()).filter((userId) => last.get(userId) === list);
    return { changed: named("changed"), left: named("left") };
  }

  #room(): object {
    const [creator = ""] = this.#members;
    const event = (type: string, state_key: string, content: object) => ({
      ...{ type, state_key, content, sender: creator, event_id: `$${type} ${state_key}`, origin_server_ts: 1 },
    });
    const events = [
      event("m.room.create", "", { room_version: "11" }),
      ...this.#members.map((userId) => event("m.room.member", userId, { membership: "join" })),
      event("m.room.encryption", "", { algorithm: "m.megolm.v1.aes-sha2" }),
    ];
    return { state: { events: [] }, timeline: { events, limited: false, prev_batch: "p" } };
  }

  #answerQuery(request: SeenRequest): void {
    const answered = this.#lists(usersIn(request.body));
    const answer = () => {
      request.answer(200, answered);
    };
    if (this.onKeysQuery === undefined) answer();
    else this.onKeysQuery(request, answer);
  }

  #lists(userIds: readonly UserId[]): KeysQueryResponse {
    const own = userIds.filter((userId) => userId !== EVE && !this.#accounts.has(userId));
    const answer = signedAnswer(
      ...userIds.flatMap((userId) => {
        const account = this.#accounts.get(userId);
        return account === undefined ? [] : [{ account, devices: [...(this.#devices.get(userId)?.values() ?? [])] }];
      }),
    );
    for (const userId of own)
      answer.device_keys = { ...answer.device_keys, [userId]: Object.fromEntries(this.#devices.get(userId) ?? []) };
    return { ...answer, user_signing_keys: {}, failures: userIds.includes(EVE) ? { "down.example": {} } : {} };
  }
}

/** The users that a query names. */
export const usersIn = (body: unknown): readonly UserId[] =>
  Object.keys((body as { readonly device_keys: Readonly<Record<UserId, unknown>> }).device_keys);

const positionOf = (token: string | undefined): number => (token === undefined ? -1 : Number(token.slice(1)));
