import type { DeviceId, UserId } from "../../src/model/ids.js";
import { RoomError } from "../../src/rooms/errors.js";
import { planKeyShare, type RotateReason, type SharedSession } from "../../src/rooms/plan-key-share.js";
import type { RoomRecipients, RoomStand } from "../../src/rooms/room-recipients.js";
import type { RoomId } from "../../src/rooms/wire.js";
import type { Trace } from "../properties/trace.js";
import { MEMBERS } from "./room-history.js";
import type { RoomTab } from "./room-tab.js";
import type { RoomTruth, Stretch } from "./room-truth.js";

/** A device that has the session. */
interface Holder {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** When it got it: where its tab stood, and the newest position that anything was answered as of. */
  readonly since: Stretch;
  /** The last departure of the user that had been shown by then. */
  readonly departure: number;
}

/** A session as an application has it. */
export interface Session {
  readonly createdAt: number;
  stand: RoomStand;
  /** {@link RoomOracle.replays} when it was made. */
  readonly replays: number;
  /** The least position that its tab has stood on since: a crash may undo what it had been given. */
  stoodOn: number;
  /** `Probe.missedTo` at the last answer. */
  missedTo: number;
  readonly holders: Holder[];
}

/** What holds of every answer, at any time: compared with what the server knows. */
export class RoomOracle {
  readonly #truth: RoomTruth;
  readonly #trace: Trace;
  /** The newest position as of which anything was answered. */
  upTo = 0;
  /** The position of the first response. */
  begin = 0;
  /** Whether several tabs have asked for members: the answer that one commits may be older than what another one has. */
  answersCross = false;
  /** How often responses that had been applied were applied again, on top of what other tabs have committed. */
  replays = 0;
  /** Whom we have removed ourselves, by room and user. */
  readonly removed = new Set<string>();

  constructor(truth: RoomTruth, trace: Trace) {
    this.#truth = truth;
    this.#trace = trace;
  }

  /**
   * Whoever may read as of everything that the tracker had been given has their devices in the answer, and no one else.
   * Answers of `/members` may be newer than that: then either is right.
   */
  answer(tab: RoomTab, what: string, now: RoomRecipients): void {
    const { roomId, joined, invited, historyVisibility, uncertain, leftOut, devices, isComplete } = now;
    if (!isComplete) return this.#expect(what === "watcher", "complete", () => `${tab.name}: a part of the answer`);
    const stretch = this.#known(tab);
    const isOurs = this.#truth.isOurs(roomId, stretch).includes(true);
    this.#expect(isOurs, what, () => `${tab.name}: an answer of ${roomId}, which is not encrypted or not ours`);
    const readers = new Set(historyVisibility === "joined" ? joined : [...joined, ...invited]);
    for (const userId of MEMBERS) {
      const { ever, always } = this.#mayRead(tab, roomId, userId);
      const is = () => `${tab.name}: ${userId} in ${roomId}, as of ${stretch.from} to ${stretch.to}`;
      if (!ever) this.#expect(!readers.has(userId), `${what}: may not read`, is);
      if (!ever) this.#expect(!devices.some((one) => one.userId === userId), `${what}: has no devices`, is);
      const membership = joined.includes(userId) ? "join" : invited.includes(userId) ? "invite" : undefined;
      const isSame = (one: unknown) =>
        membership === one || (one !== "join" && one !== "invite" && membership === undefined);
      const memberships = this.#truth.memberships(roomId, userId, stretch);
      this.#expect(memberships.some(isSame), `${what}: membership`, () => `${is()}: ${membership ?? "none"}`);
      if (always) this.#expect(readers.has(userId), `${what}: may read`, is);
    }
    this.#expect(leftOut.length === 0, what, () => `${tab.name}: devices are left out`);
    this.#expect(
      joined.every((one) => !invited.includes(one)),
      what,
      () => `${tab.name}: joined and invited`,
    );
    for (const userId of readers) if (!uncertain.includes(userId)) this.#devices(tab, what, userId, now);
  }

  /** The list of a user that is current is the server's, at some moment since the last change that was given. */
  #devices(tab: RoomTab, what: string, userId: UserId, now: RoomRecipients): void {
    const lists = this.#truth.devices(userId, { from: tab.given, to: this.#truth.position });
    const is = devicesOf(now, userId).join();
    const isOne = lists.some((devices) => [...devices].sort().join() === is);
    this.#expect(isOne, `${what}: devices`, () => `${tab.name}: ${userId} has ${is}, not ${lists.join(" or ")}`);
  }

  /**
   * Calls fail only for a reason: because of the room as it is, or because a request failed since they began.
   * @param from the position of the server when the request began that they may share
   */
  failure(tab: RoomTab, roomId: RoomId, error: unknown, hadTrouble: boolean, from: number): void {
    const stretch = { from, to: this.#truth.position };
    const isRoomError = error instanceof RoomError;
    const isJustified = hadTrouble || this.#truth.isOurs(roomId, stretch).includes(false);
    this.#expect(isRoomError && isJustified, "failure", () => `${tab.name}: ${roomId}: ${String(error)}`);
  }

  /** What an application does with an answer before it sends: the plan is as the server's log says. */
  send(tab: RoomTab, session: Session | undefined, now: RoomRecipients): Session {
    const plan = session && planKeyShare(shared(session), now);
    if (session === undefined || plan === undefined)
      return {
        createdAt: now.at,
        stand: now.stand,
        replays: this.replays,
        stoodOn: tab.given,
        missedTo: tab.probe.missedTo,
        holders: this.#give(tab, now.roomId, now.devices),
      };
    this.#trace.note(() => `  ${tab.name} plans ${JSON.stringify(plan.rotate)}`);
    const why = session.holders.find((holder) => this.#mustRotate(tab, holder, now));
    const isHeeded = why === undefined || plan.rotate.length > 0;
    this.#expect(isHeeded, "rotate", () => `${tab.name}: ${JSON.stringify(why)} has the session on`);
    for (const reason of plan.rotate) {
      const isTrue = this.#isJustified(tab, session, reason, now);
      this.#expect(isTrue, "rotate in vain", () => `${tab.name}: ${JSON.stringify(reason)}`);
    }
    if (plan.rotate.length > 0) return this.send(tab, undefined, { ...now, devices: plan.share });
    session.holders.push(...this.#give(tab, now.roomId, plan.share));
    const has = session.holders.map(nameOf).sort();
    const isShared = now.devices.every((device) => has.includes(nameOf(device))) && new Set(has).size === has.length;
    this.#expect(isShared, "share", () => `${tab.name}: ${has.join()} have the session`);
    Object.assign(session, { stand: now.stand, missedTo: tab.probe.missedTo });
    return session;
  }

  /** Quiet: everybody who may read, with the devices that they have; those who are invited are not announced. */
  quiet(tab: RoomTab, what: string, roomId: RoomId, now: RoomRecipients | undefined): void {
    const at = this.#truth.position;
    this.#expect(tab.given === at, what, () => `${tab.name}: stands on ${tab.given}, not ${at}`);
    const named = (membership: string) =>
      MEMBERS.filter((userId) => this.#truth.membership(roomId, userId, at) === membership).join();
    const is = now && `${[...now.joined].sort().join()}; ${[...now.invited].sort().join()}; ${now.historyVisibility}`;
    const [visibility] = this.#truth.visibilities(roomId, { from: at, to: at });
    const should = `${named("join")}; ${named("invite")}; ${String(visibility)}`;
    this.#expect(is === should, what, () => `${tab.name}: ${roomId} has ${String(is)}, not ${should}`);
    this.#expect(now?.isComplete === true, what, () => `${tab.name}: ${roomId} is not complete`);
    for (const userId of now?.joined ?? []) {
      if (now === undefined) continue;
      const isCertain = !now.uncertain.includes(userId) || !tab.tracked.has(userId);
      this.#expect(isCertain, what, () => `${tab.name}: ${userId} is uncertain`);
      this.#devices(tab, what, userId, now);
    }
  }

  /** Quiet: members of complete rooms are tracked, and nobody is whom the server does not announce. */
  tracked(tab: RoomTab, sharing: readonly UserId[] | undefined): void {
    const at = this.#truth.position;
    for (const [roomId, { isComplete, joinedCount, invitedCount }] of tab.encrypted) {
      this.#expect(
        this.#truth.isOurs(roomId, { from: at, to: at })[0] === true || !isComplete,
        "rooms$",
        () => `${tab.name}: ${roomId}`,
      );
      if (!isComplete) continue;
      const members = MEMBERS.filter((userId) => this.#truth.membership(roomId, userId, at) === "join");
      const invited = MEMBERS.filter((userId) => this.#truth.membership(roomId, userId, at) === "invite");
      const isCounted = members.length === joinedCount && invited.length === invitedCount;
      this.#expect(isCounted, "rooms$", () => `${tab.name}: ${roomId} has ${joinedCount} members`);
      for (const userId of members) {
        this.#expect(tab.tracked.has(userId), "tracked", () => `${tab.name}: ${userId} is not tracked`);
      }
    }
    for (const userId of tab.tracked)
      this.#expect(sharing?.includes(userId) !== false, "tracked", () => `${tab.name}: ${userId} shares no room`);
  }

  #known({ given }: RoomTab): Stretch {
    return { from: given, to: Math.max(given, this.upTo) };
  }

  /** As of what the tab has been given, and of what we did ourselves. */
  #mayRead(tab: RoomTab, roomId: RoomId, userId: UserId): ReturnType<RoomTruth["mayRead"]> {
    return this.#truth.mayRead(roomId, userId, this.#known(tab), tab.acted.get(`${roomId} ${userId}`)?.at);
  }

  #give(tab: RoomTab, roomId: RoomId, devices: RoomRecipients["devices"]): Holder[] {
    const since = this.#known(tab);
    return devices.map(({ userId, deviceId }) => ({
      userId,
      deviceId,
      since,
      departure: tab.probe.departure(roomId, userId),
    }));
  }

  /** Whether a device that has the session must not read on, as of what the tab has been given. */
  #mustRotate(tab: RoomTab, { userId, deviceId, since }: Holder, now: RoomRecipients): boolean {
    const { roomId } = now;
    if (!this.#mayRead(tab, roomId, userId).ever) return true;
    if (tab.probe.departure(roomId, userId) > since.to) return true;
    const acted = tab.acted.get(`${roomId} ${userId}`);
    if (acted?.isDeparture === true && acted.at > since.to) return true;
    const missed = { from: since.to, to: Math.min(tab.probe.missedTo, tab.given) };
    if (this.#truth.hasLeft(roomId, userId, missed)) return true;
    const lists = this.#truth.devices(userId, { from: tab.given, to: this.#truth.position });
    return !now.uncertain.includes(userId) && !lists.flat().includes(deviceId);
  }

  /**
   * Over-rotation is tolerated after missed responses, if we have ever been away from the room or it was not encrypted at first, and after responses were
   * applied again, because what `/members` said in between may then be news; the same goes for `/members` of several tabs. A removal of ours may be news, too, to another
   * tab or after a restart, although the user has come back since. Lists that are not current may be old. Everything
   * else must have happened since the device got the session.
   */
  #isJustified(
    tab: RoomTab,
    { holders, replays, stoodOn, missedTo }: Session,
    reason: RotateReason,
    now: RoomRecipients,
  ): boolean {
    const { roomId } = now;
    const to = this.#truth.position;
    const isOfMembers = ["user-left", "responses-missed"].includes(reason.type);
    if (isOfMembers && (this.replays > replays || this.answersCross)) return true;
    switch (reason.type) {
      case "responses-missed":
        return tab.probe.missedTo !== missedTo || this.#truth.isOurs(roomId, { from: this.begin, to }).includes(false);
      case "user-left": {
        const { userId } = reason;
        if (this.removed.has(`${roomId} ${userId}`)) return true;
        const has = holders.filter((one) => one.userId === userId);
        if (has.some(({ departure }) => departure !== tab.probe.departure(roomId, userId))) return true;
        const from = Math.min(stoodOn, ...has.map(({ since }) => since.from));
        const isReader = this.#mayRead(tab, roomId, userId).always;
        return !isReader || this.#truth.hasLeft(roomId, userId, { from, to });
      }
      case "user-excluded":
        return !this.#mayRead(tab, roomId, reason.userId).always;
      case "device-removed":
        if (now.uncertain.includes(reason.userId)) return true;
        return holders.some(
          ({ userId, deviceId, since: { from } }) =>
            userId === reason.userId &&
            deviceId === reason.deviceId &&
            this.#truth.devices(userId, { from, to }).some((devices) => !devices.includes(deviceId)),
        );
      case "visibility-changed": {
        const from = Math.min(stoodOn, ...holders.map(({ since }) => since.from));
        return this.#truth.visibilities(roomId, { from, to }).length > 1;
      }
      default:
        return false;
    }
  }

  #expect(holds: boolean, promise: string, what: () => string): void {
    if (!holds) this.#trace.broken(promise, what());
  }
}

const nameOf = ({ userId, deviceId }: Pick<Holder, "userId" | "deviceId">): string => `${userId} ${deviceId}`;

const devicesOf = ({ devices }: RoomRecipients, userId: UserId): readonly DeviceId[] =>
  devices.flatMap((device) => (device.userId === userId ? [device.deviceId] : [])).sort();

const shared = ({ createdAt, stand, holders }: Session): SharedSession => ({
  createdAt,
  messageCount: 1,
  sharedWith: holders,
  stand,
});
