import { Subject } from "rxjs";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeys, DeviceLists } from "../../src/model/wire.js";
import { testDevice } from "../../src/testing/test-device.js";

export const ME = "@me:home.example";
export const BOB = "@bob:home.example";
export const CAROL = "@carol:home.example";
export const DAVE = "@dave:home.example";
export const EVE = "@eve:away.example";
export const USERS: readonly UserId[] = [ME, BOB, CAROL, DAVE, EVE];

/**
 * One thing that happened: a user's list changed (announced if they share a room with us), they left our rooms or came back, or nothing that concerns
 * device lists. Our own user always shares a room with us.
 */
interface Entry {
  readonly kind: "changed" | "changed while away" | "left" | "came back" | "nothing";
  readonly user: UserId | undefined;
  /** When it happened, as a moment of the world. */
  readonly moment: number;
}

/** The truth: a log of everything that happened. A position is a length of the log, and a user's version is the position of their last change. */
export class Server {
  /** Emits whenever something has happened. */
  readonly news$ = new Subject<void>();
  readonly log: Entry[] = [];
  readonly #repeatsTokens: boolean;
  readonly #moment: () => number;

  /** @param repeatsTokens whether the token stays the same when nothing has happened that concerns device lists */
  constructor(repeatsTokens: boolean, moment: () => number) {
    this.#repeatsTokens = repeatsTokens;
    this.#moment = moment;
  }

  get position(): number {
    return this.log.length;
  }

  change(user: UserId): void {
    this.#happened(this.shares(user) ? "changed" : "changed while away", user);
  }

  /** The user leaves our rooms, or comes back. A server may say that we left: our last room, say. */
  move(user: UserId): void {
    this.#happened(this.shares(user) ? "left" : "came back", user);
  }

  passTime(): void {
    this.#happened("nothing", undefined);
  }

  shares(user: UserId, at = this.position): boolean {
    const last = this.#last(user, 0, at, "left", "came back");
    return user === ME || last?.kind !== "left";
  }

  /** Users who share a room with us: the server announces their changes. */
  sharing(at = this.position): UserId[] {
    return USERS.filter((user) => this.shares(user, at));
  }

  /** A user who came back may have changed anything while away. */
  version(user: UserId, at = this.position): number {
    const last = this.#last(user, 0, at, "changed", "changed while away", "came back");
    return last === undefined ? 0 : this.log.indexOf(last) + 1;
  }

  /** What the server says of a user to a client that goes on from a position, `undefined` if nothing. */
  mention(user: UserId, from: number, to = this.position): Entry | undefined {
    return this.#last(user, from, to, "changed", "left", "came back");
  }

  lists(from: number, to: number): Required<DeviceLists> {
    const isLeft = (user: UserId) => this.mention(user, from, to)?.kind === "left";
    const mentioned = USERS.filter((user) => this.mention(user, from, to) !== undefined);
    return { changed: mentioned.filter((user) => !isLeft(user)), left: mentioned.filter(isLeft) };
  }

  /** Opaque, and in no order. */
  token(position: number): string {
    const repeated = this.#repeatsTokens && this.log[position - 1]?.kind === "nothing";
    return repeated ? this.token(position - 1) : `t${(position * 7_919 + 13) % 10_007}`;
  }

  positionOf(token: string): number {
    for (let position = 0; position <= this.position; position++) if (this.token(position) === token) return position;
    throw new Error(`the server never gave the token ${token}`);
  }

  #happened(kind: Entry["kind"], user: UserId | undefined): void {
    this.log.push({ kind, user, moment: this.#moment() });
    this.news$.next();
  }

  #last(user: UserId, from: number, to: number, ...kinds: readonly Entry["kind"][]): Entry | undefined {
    for (let at = to - 1; at >= from; at--) {
      const entry = this.log[at];
      if (entry?.user === user && kinds.includes(entry.kind)) return entry;
    }
    return undefined;
  }
}

const devices = new Map<string, DeviceKeys>();

/** The list of a user at a version, signed by a signature of the right shape. `query` marks which answer it came with. */
export function listAt(user: UserId, version: number, query: number): Record<string, DeviceKeys> {
  const id = `V${version}`;
  let device = devices.get(`${user} ${id}`);
  if (device === undefined) {
    device = testDevice(user, id, { signatures: { [user]: { [`ed25519:${id}`]: SIGNATURE } } });
    devices.set(`${user} ${id}`, device);
  }
  return { [id]: { ...device, unsigned: { query } } };
}

/** 64 bytes in unpadded base64, both halves small numbers in little endian. */
const SIGNATURE = "AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHAA";

export const NO_DEVICES: ReadonlyMap<string, DeviceKeys> = new Map();

/** The version of a list, and the query that it came with. */
export function readList(deviceKeys: ReadonlyMap<string, DeviceKeys>): { version: number; query: number } {
  const [[id, { unsigned }] = ["V-1", { unsigned: undefined }]] = deviceKeys;
  return { version: Number(id.slice(1)), query: Number(unsigned?.query ?? -1) };
}
