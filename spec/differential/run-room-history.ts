import { vi } from "vitest";
import { planKeyShare, type SharedDevice, type SharedSession } from "../../src/rooms/plan-key-share.js";
import type { RoomRecipients } from "../../src/rooms/room-recipients.js";
import { at } from "./json.js";
import type { KeyPair } from "./key-pair.js";
import { OurSharing } from "./our-sharing.js";
import { ME } from "./person.js";
import type { RoomEvent } from "./room-events.js";
import { RoomScene } from "./room-scene.js";
import type { ComparedSession, SharingDifference } from "./sharing-difference.js";
import { SHARING_EXPLANATIONS } from "./sharing-explained.js";
import { TheirSharing, type TheirShare } from "./their-sharing.js";

/** When all histories begin, in ms since the epoch. */
const START = Date.UTC(2026, 0, 1);

/** Counts the outcomes of histories. */
export class SharingTally {
  messages = 0;
  /** Messages that both sides have sent with a session they had. */
  kept = 0;
  /** Messages for which both sides have replaced the session. */
  rotated = 0;
  readonly explained = new Map<string, number>();

  toString(): string {
    const classes = Array.from(this.explained)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`);
    return `${this.messages} messages (${this.kept} with the same session, ${this.rotated} with another one on both sides); differences: ${classes.join(", ")}`;
  }
}

/** The session of both sides. */
interface Session extends ComparedSession {
  readonly id: string;
  readonly ours: SharedSession & { readonly sharedWith: readonly SharedDevice[] };
  /** The devices that have it, and those that were sent a withheld event for it, on their side. */
  readonly given: ReadonlySet<string>;
  readonly withheld: ReadonlyMap<string, string>;
}

/** Lets both sides live through a history, and returns the differences that belong to no class. Sets the clock. */
export async function runRoomHistory(
  events: readonly RoomEvent[],
  pairs: readonly KeyPair[],
  tally: SharingTally,
): Promise<readonly SharingDifference[]> {
  vi.setSystemTime(START);
  const run = await RoomRun.begin(pairs, tally);
  try {
    for (const event of events) await run.play(event);
  } finally {
    run.close();
  }
  return run.unexplained;
}

class RoomRun {
  readonly unexplained: SharingDifference[] = [];
  readonly #scene: RoomScene;
  readonly #our: OurSharing;
  readonly #their: TheirSharing;
  readonly #tally: SharingTally;
  #session: Session | undefined;
  /** Devices to which they have sent `m.no_olm`, which is sent once, not for each session. */
  readonly #noOlm = new Set<string>();

  private constructor(scene: RoomScene, our: OurSharing, their: TheirSharing, tally: SharingTally) {
    this.#scene = scene;
    this.#our = our;
    this.#their = their;
    this.#tally = tally;
  }

  static async begin(pairs: readonly KeyPair[], tally: SharingTally): Promise<RoomRun> {
    const their = await TheirSharing.open();
    const scene = new RoomScene(pairs, their.sendingDevice);
    await their.verifyOurselves(scene);
    return new RoomRun(scene, new OurSharing(scene), their, tally);
  }

  async play(event: RoomEvent): Promise<void> {
    const scene = this.#scene;
    switch (event.type) {
      case "send":
        return this.#send();
      case "wait":
        vi.setSystemTime(Date.now() + event.ms);
        return;
      case "sync":
        scene.homeserver.step();
        return;
      case "miss":
        scene.homeserver.change(); // at least something is in it
        scene.homeserver.respond();
        this.#changeSession({ missed: true });
        return;
      case "acknowledge":
        await this.#our.acknowledge(event.user);
        await this.#their.acknowledge(scene, event.user);
        scene.lookedUp([event.user]);
        scene.acknowledge(event.user);
        return;
      case "withdraw verification":
        if (!scene.isViolated(event.user)) return; // a person was warned of nothing
        await this.#our.withdrawVerification(event.user);
        await this.#their.withdrawVerification(scene, event.user);
        scene.lookedUp([event.user]);
        scene.withdrawVerification(event.user);
        return;
      default: {
        const left = scene.apply(event);
        if (left !== undefined) this.#changeSession({ departed: new Set([...this.#departed, left]) });
      }
    }
  }

  close(): void {
    this.#our.close();
    this.#their.close();
  }

  get #departed(): ReadonlySet<string> {
    return this.#session?.departed ?? new Set();
  }

  #changeSession(change: Partial<Session>): void {
    if (this.#session !== undefined) this.#session = { ...this.#session, ...change };
  }

  async #send(): Promise<void> {
    this.#tally.messages++;
    const scene = this.#scene;
    scene.homeserver.step();
    const ours = await this.#our.recipients();
    const theirs = await this.#their.share(scene).catch(() => undefined); // it must not be sent
    scene.lookedUp([...new Set([ME, ...scene.readers])]);
    if (ours === undefined || theirs === undefined) {
      if (ours !== undefined || theirs !== undefined)
        this.#differ({ what: "failed", ours: ours === undefined, theirs: theirs === undefined });
      await this.#beginAnew();
      return;
    }
    const session = await this.#share(ours, theirs);
    const found = differingDevices(ours, session, this.#noOlm);
    for (const difference of found) this.#differ(difference);
    this.#session = session;
    // Who has the session decides about the next one: from here on, both would differ for the same reason again.
    if (found.some(({ what }) => what === "key")) await this.#beginAnew();
  }

  /** The session after the message. If only one side has replaced it, the other one does so now. */
  async #share(ours: RoomRecipients, first: TheirShare): Promise<Session> {
    const before = this.#session;
    let theirs = first;
    const plan = before === undefined ? { share: ours.devices, rotate: [] } : planKeyShare(before.ours, ours);
    const weRotate = plan.rotate.length > 0;
    const theyRotate = before !== undefined && before.id !== theirs.sessionId;
    if (weRotate && !theyRotate) {
      for (const reason of plan.rotate) this.#differ({ what: "rotated", ours: reason, theirs: false });
      await this.#their.discardSession();
      this.#notedNoOlm(theirs);
      theirs = await this.#their.share(this.#scene);
    } else if (theyRotate && !weRotate) this.#differ({ what: "rotated", ours: undefined, theirs: true });
    else if (before !== undefined) this.#tally[weRotate ? "rotated" : "kept"]++;
    this.#notedNoOlm(theirs);
    const kept = weRotate || theyRotate ? undefined : before;
    return this.#sessionAfter(kept, ours, kept === undefined ? ours.devices : plan.share, theirs);
  }

  #sessionAfter(
    kept: Session | undefined,
    ours: RoomRecipients,
    shared: RoomRecipients["devices"],
    theirs: TheirShare,
  ): Session {
    const { settings, visibility, readers } = this.#scene;
    const sharedWith = shared.map(({ userId, deviceId, device }): SharedDevice => {
      const key = at(device, "keys", `curve25519:${deviceId}`) as string;
      return { userId, deviceId, curve25519: key };
    });
    const names = sharedWith.map(
      ({ userId, deviceId, curve25519 = "" }) => [`${userId} ${deviceId}`, curve25519] as const,
    );
    const { createdAt = Date.now(), messageCount = 0 } = kept?.ours ?? {};
    // They do not send `m.no_olm` again: another code counts only for the message that it was sent with.
    const before = Array.from(kept?.withheld ?? []).filter(([device]) => !this.#noOlm.has(device));
    const withheld = new Map([...before, ...theirs.withheld]);
    for (const device of theirs.given) withheld.delete(device);
    return {
      id: theirs.sessionId,
      createdAt,
      settings: kept?.settings ?? settings,
      visibility: kept?.visibility ?? visibility,
      curve25519: new Map([...(kept?.curve25519 ?? []), ...names]),
      masterKeys: new Map(readers.map((userId) => [userId, this.#scene.person(userId).masterKey])),
      departed: kept?.departed ?? new Set(),
      missed: kept?.missed ?? false,
      given: new Set([...(kept?.given ?? []), ...theirs.given]),
      withheld,
      ours: {
        createdAt,
        messageCount: messageCount + 1,
        sharedWith: [...(kept?.ours.sharedWith ?? []), ...sharedWith],
        stand: ours.stand,
      },
    };
  }

  #notedNoOlm({ withheld }: TheirShare): void {
    for (const [device, code] of withheld) if (code === "m.no_olm") this.#noOlm.add(device);
  }

  async #beginAnew(): Promise<void> {
    this.#session = undefined;
    await this.#their.discardSession();
  }

  #differ(difference: SharingDifference): void {
    const about = { scene: this.#scene, session: this.#session, now: Date.now() };
    const explanation = SHARING_EXPLANATIONS.find(({ explains }) => explains(difference, about));
    if (explanation === undefined) this.unexplained.push(difference);
    else this.#tally.explained.set(explanation.name, (this.#tally.explained.get(explanation.name) ?? 0) + 1);
  }
}

/** The devices of readers about which both sides differ: who has the session, and who is told why not. */
function differingDevices(
  { devices, leftOut, withheld }: RoomRecipients,
  session: Session,
  noOlm: ReadonlySet<string>,
): readonly SharingDifference[] {
  const name = ({ userId, deviceId }: SharedDevice) => `${userId} ${deviceId}`;
  const has = new Set(session.ours.sharedWith.map(name));
  const codes = new Map(withheld.map((device) => [name(device), device.withheld as string]));
  return [...devices, ...leftOut].flatMap(({ userId, deviceId }): SharingDifference[] => {
    const device = name({ userId, deviceId });
    const keys = { ours: has.has(device), theirs: session.given.has(device) };
    const told = {
      ours: codes.get(device),
      theirs: session.withheld.get(device) ?? (noOlm.has(device) ? "m.no_olm" : undefined),
    };
    return [
      ...(keys.ours === keys.theirs ? [] : [{ what: "key" as const, userId, deviceId, ...keys }]),
      ...(told.ours === told.theirs ? [] : [{ what: "withheld" as const, userId, deviceId, ...told }]),
    ];
  });
}
