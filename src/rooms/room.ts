import type { UserId } from "../model/ids.js";
import { namesIn, toNames, type RoomDelta, type UserNames } from "./room-delta.js";
import type { HistoryVisibility, Membership, RoomEncryption, RoomId } from "./wire.js";

/** Departures remembered per room; beyond this, the older half is forgotten. */
const MAX_DEPARTURES = 10_000;

/**
 * Memberships remembered per room until sync shows them, besides those of the last late response; beyond this, the next
 * response is trusted.
 */
const MAX_SENT = 10_000;

/** A membership that we set and the server accepted, or that a late response shows, until sync shows it. */
interface SentMembership {
  readonly membership: Membership;
  /** Unique, also among those set by other tabs. */
  readonly id: string;
  /**
   * True if a response that shows it may still be older: we had set another membership before, or at the same time in
   * another tab, or the user was already a member when we invited them.
   */
  readonly isContested?: boolean;
  /** True if a response has shown another membership, but may have been in flight. The next response is newer. */
  readonly isDisputed?: boolean;
}

/** The server's answer to a request for the members of a room. */
export interface FetchedMembers {
  readonly roomId: RoomId;
  /** {@link Room.uncertainSince} at the time of the request. If it has changed since, the answer is too old. */
  readonly uncertainSince: string | undefined;
  readonly joined: UserNames;
  readonly invited: UserNames;
  /** Only if they were requested. */
  readonly encryption?: RoomEncryption | undefined;
  readonly visibility?: HistoryVisibility | undefined;
}

export interface MemberCounts {
  /** A user has become a member. Returns the user ID to keep: a user of many rooms has one string. */
  readonly added: (userId: UserId) => UserId;
  readonly removed: (userId: UserId) => void;
}

/** Most rooms have none of these: an empty map for each would take more memory than their members. */
const NONE: ReadonlyMap<UserId, never> = new Map<UserId, never>();

export interface RoomRecord {
  readonly roomId: RoomId;
  readonly encryption: RoomEncryption | undefined;
  readonly visibility: HistoryVisibility;
  readonly joined: UserNames;
  readonly invited: UserNames;
  readonly confirmed: UserNames | undefined;
  readonly uncertainSince: string | undefined;
  readonly missedUntil: string | undefined;
  readonly needsState: boolean;
  readonly isAwaited: boolean;
  readonly shownUntil: string | undefined;
  readonly sent: readonly (readonly [UserId, SentMembership])[];
  readonly departures: readonly (readonly [UserId, string])[];
}

/**
 * What is known of one room.
 *
 * Sync names members as they change, and with lazy loading not all of them. So the list is either certain, or certain
 * only for the users that sync has named since it became uncertain (`confirmed`); the others are fetched from the
 * server. Whenever the answer arrives, and whatever its token, **sync wins for the users that it has named**: it is
 * newer, and the others have not changed in between.
 */
export class Room {
  readonly roomId: RoomId;
  /** `undefined` until it is known whether the room is encrypted. */
  encryption: RoomEncryption | undefined;
  visibility: HistoryVisibility = "shared";
  readonly joined = new Set<UserId>();
  readonly invited = new Set<UserId>();
  /** The users for which the list is certain; `undefined` if it is certain for all. */
  confirmed: Set<UserId> | undefined = new Set();
  /** The sync token at which the list became uncertain; `undefined` if it is certain. */
  uncertainSince: string | undefined;
  /** The sync token after the last missed responses: any user may have left in them and come back. */
  missedUntil: string | undefined;
  /** True if the encryption and the visibility must be fetched, too. */
  needsState = false;
  /** True if all members were known before something was missed: they are fetched again without a caller. */
  isAwaited = false;
  /** The sync token at the end of the last response that named the room. */
  shownUntil: string | undefined;
  /** Counts the room's changes. */
  revision = 0;
  readonly #counts: MemberCounts;
  #departures: Map<UserId, string> | undefined;
  #sent: Map<UserId, SentMembership> | undefined;

  constructor(roomId: RoomId, counts: MemberCounts) {
    this.roomId = roomId;
    this.#counts = counts;
  }

  /** Users that have ever left, each with the event of their last departure. */
  get departures(): ReadonlyMap<UserId, string> {
    return this.#departures ?? NONE;
  }

  /** Memberships that sync has yet to show, by user; the last one that was set or disputed comes last. */
  get sent(): ReadonlyMap<UserId, SentMembership> {
    return this.#sent ?? NONE;
  }

  get isComplete(): boolean {
    return this.confirmed === undefined && this.encryption !== undefined && !this.needsState;
  }

  /** True if the current members must be fetched: a list as of a token may be older than what we set. */
  get isUnsure(): boolean {
    return this.sent.size > 0;
  }

  /**
   * Applies what a response says about the room.
   * @param isLazy true if sync leaves members out
   */
  follow(delta: RoomDelta, next: string, isLazy: boolean): void {
    const { encryption, visibility, kind } = delta;
    this.revision++;
    this.shownUntil = next;
    if (encryption !== undefined) this.#encrypt(encryption);
    if (visibility !== undefined || kind === "whole") this.visibility = visibility ?? "shared";
    if (kind === "whole") this.#begin(next, isLazy);
    else if (kind === "first") {
      this.missedUntil = next; // the room may have been known before
      this.needsState = true;
      this.#becomeUncertain(next);
    } else if (kind === "limited" && isLazy) {
      this.isAwaited ||= this.isComplete; // servers may omit the members that left
      this.#becomeUncertain(next);
    } else if (kind === "unclear") this.#becomeUncertain(next);
    else if (visibility !== undefined && this.needsState) this.#becomeUncertain(next); // an answer would be older
    for (const [userId, eventId] of delta.left) this.#depart(userId, eventId);
    const came = new Map<UserId, Membership>(delta.left.map(([userId]) => [userId, "gone"]));
    for (const userId of namesIn(delta.invited)) came.set(userId, "invited");
    for (const userId of namesIn(delta.joined)) came.set(userId, "joined");
    const agreed: UserId[] = [];
    for (const [userId, membership] of came) if (this.#named(userId, membership, kind === "whole")) agreed.push(userId);
    // Disputed: the response may have been in flight, or another user has since reverted our change; only the server
    // knows.
    if (agreed.length < came.size) this.#becomeUncertain(next);
    for (const userId of agreed) this.confirmed?.add(userId);
  }

  /** Applies an answer of the server. Returns false if it is too old. */
  take({ uncertainSince, joined, invited, encryption, visibility }: FetchedMembers): boolean {
    const { confirmed } = this;
    this.encryption ??= encryption; // true even if the members are too old: it is never switched off
    if (
      confirmed === undefined ||
      uncertainSince !== this.uncertainSince ||
      (this.needsState && visibility === undefined)
    )
      return false;
    this.revision++;
    if (encryption !== undefined) this.#encrypt(encryption);
    if (visibility !== undefined) this.visibility = visibility;
    this.needsState = false;
    const members = new Map<UserId, Membership>();
    for (const userId of namesIn(invited)) members.set(userId, "invited");
    for (const userId of namesIn(joined)) members.set(userId, "joined");
    for (const userId of [...this.joined, ...this.invited]) if (!members.has(userId)) members.set(userId, "gone");
    for (const [userId, membership] of members) {
      if (confirmed.has(userId)) continue;
      const hasLeft = membership === "gone" || (membership === "invited" && this.joined.has(userId));
      if (hasLeft) this.#depart(userId, `not a member as of ${uncertainSince ?? "the start"}`);
      this.#set(userId, membership);
    }
    this.confirmed = undefined;
    this.uncertainSince = undefined;
    this.isAwaited = false;
    return true; // keeps `sent`: a response in flight may be older than what we set
  }

  /**
   * Applies a membership that we set and the server accepted.
   * @param after {@link shownUntil} at that time
   */
  send(userId: UserId, membership: Membership, eventId: string, after: string | undefined): void {
    const before = this.sent.get(userId)?.membership;
    this.revision++;
    // The server does not invite a member.
    const isContested =
      (before !== undefined && before !== membership) || (membership === "invited" && this.joined.has(userId));
    // Only the server knows the order if responses have arrived since, or if a member that left before may have been
    // the one that we removed.
    const isUnclear =
      isContested || after !== this.shownUntil || (this.joined.has(userId) && this.departures.has(userId));
    this.#expect(userId, { membership, id: eventId, ...(isContested && { isContested }) });
    if (membership === "gone" && (this.joined.has(userId) || this.invited.has(userId))) this.#depart(userId, eventId);
    if (isUnclear) this.#becomeUncertain(`${this.shownUntil ?? "the start"}, ${eventId}`);
    else {
      this.#set(userId, membership);
      this.confirmed?.add(userId);
    }
  }

  /**
   * Applies a late response, which may be older or newer than what is known. Only the server knows which, and may
   * already know more than the next response.
   */
  overtake({ joined, invited, left, ...state }: RoomDelta, next: string): void {
    this.revision++;
    const id = `late ${next}`;
    const shown = new Map<UserId, Membership>(left.map(([userId]) => [userId, "gone"]));
    // The event alone would not do: sessions made before a later departure may have it in their stand.
    for (const [userId, eventId] of left)
      if (this.joined.has(userId) || this.invited.has(userId)) this.#depart(userId, `${eventId}, ${id}`);
    for (const userId of namesIn(invited)) shown.set(userId, "invited");
    for (const userId of namesIn(joined)) shown.set(userId, "joined");
    const unconfirmed = Array.from(shown, ([userId, membership]) => [userId, { membership, id }] as const);
    // Ours are at the end.
    this.#sent = new Map<UserId, SentMembership>([...unconfirmed, ...[...this.sent].slice(-MAX_SENT)]);
    this.isAwaited ||= this.isComplete;
    this.needsState ||= Object.keys(state).length > 1; // besides the room ID
    this.#becomeUncertain(`${this.shownUntil ?? "the start"}, ${id}`);
  }

  /** Responses were missed, so nothing is certain. */
  miss(token: string | undefined): void {
    this.revision++;
    this.isAwaited ||= this.isComplete;
    this.missedUntil = token ?? `unknown, change ${this.revision} after ${this.shownUntil ?? "the start"}`;
    this.#becomeUncertain(token);
    this.needsState = true;
  }

  /** According to the server, a listed user is not a member. */
  doubt(token: string): void {
    this.revision++;
    this.#becomeUncertain(token);
  }

  leave(): void {
    for (const userId of this.joined) this.#counts.removed(userId);
    this.joined.clear();
    this.invited.clear();
  }

  /** Keeps the departures and missed responses that were known of the room before it was replaced. */
  remember({ departures, missedUntil }: Pick<Room, "departures" | "missedUntil">): void {
    this.missedUntil = missedUntil ?? this.missedUntil;
    if (departures.size > 0) this.#departures = new Map([...departures, ...this.departures]);
  }

  toRecord(): RoomRecord {
    const { roomId, encryption, visibility, uncertainSince, missedUntil, needsState, isAwaited, shownUntil } = this;
    return {
      ...{ roomId, encryption, visibility, uncertainSince, missedUntil, needsState, isAwaited, shownUntil },
      joined: toNames(this.joined),
      invited: toNames(this.invited),
      confirmed: this.confirmed === undefined ? undefined : toNames(this.confirmed),
      sent: [...this.sent],
      departures: [...this.departures],
    };
  }

  static fromRecord(record: RoomRecord, counts: MemberCounts): Room {
    const { roomId, encryption, visibility, uncertainSince, missedUntil, needsState, isAwaited, shownUntil } = record;
    const room = new Room(roomId, counts);
    Object.assign(room, { encryption, visibility, uncertainSince, missedUntil, needsState, isAwaited, shownUntil });
    for (const userId of namesIn(record.joined)) room.#set(userId, "joined");
    for (const userId of namesIn(record.invited)) room.#set(userId, "invited");
    room.confirmed = record.confirmed === undefined ? undefined : new Set(namesIn(record.confirmed));
    if (record.sent.length > 0) room.#sent = new Map(record.sent);
    if (record.departures.length > 0) room.#departures = new Map(record.departures);
    return room;
  }

  /** Encryption is never switched off, and a room's algorithm never changes. */
  #encrypt(encryption: RoomEncryption): void {
    this.encryption = { ...encryption, algorithm: this.encryption?.algorithm ?? encryption.algorithm };
  }

  /** We have just joined, and the room's whole state follows. */
  #begin(token: string, isLazy: boolean): void {
    this.missedUntil = token; // we may have been here before
    this.needsState = false;
    // The response may have been in flight when we invited or removed a user that it does not name.
    if (isLazy || this.isUnsure) this.#becomeUncertain(token);
    else {
      this.leave();
      this.confirmed = undefined;
      this.uncertainSince = undefined;
    }
  }

  #becomeUncertain(token: string | undefined): void {
    this.confirmed = new Set();
    // Differs from the token of another tab that does not know what was set last: that tab's answer would be too old.
    const last = [...this.sent.values()].at(-1);
    this.uncertainSince = last === undefined ? token : `${token ?? "the start"}, with ${last.id}`;
  }

  /**
   * A response shows this membership. Returns false if it is disputed.
   * @param isWhole true if it shows the whole state: several such responses may have been in flight when we set a
   * membership
   */
  #named(userId: UserId, membership: Membership, isWhole: boolean): boolean {
    const sent = this.sent.get(userId);
    if (sent !== undefined) {
      const isAccepted = sent.membership === "invited" && membership === "joined";
      const isShown = (sent.membership === membership || isAccepted) && sent.isContested !== true;
      this.#sent?.delete(userId);
      if (!isShown && sent.isDisputed !== true) {
        this.#expect(userId, isWhole ? sent : { ...sent, isDisputed: true });
        // Their devices may have changed unannounced, even if they have since come back.
        if (membership !== "joined") this.#set(userId, membership);
        return false;
      }
    }
    this.#set(userId, membership);
    return true;
  }

  #expect(userId: UserId, sent: SentMembership): void {
    this.#sent ??= new Map();
    this.#sent.delete(userId); // keeps the latest at the end
    this.#sent.set(userId, sent);
  }

  #set(userId: UserId, membership: Membership): void {
    if (membership !== "joined") {
      if (this.joined.delete(userId)) this.#counts.removed(userId);
    } else if (!this.joined.has(userId)) this.joined.add(this.#counts.added(userId));
    if (membership === "invited") this.invited.add(userId);
    else this.invited.delete(userId);
  }

  #depart(userId: UserId, eventId: string): void {
    this.#departures ??= new Map();
    this.#departures.delete(userId); // keeps the latest at the end
    this.#departures.set(userId, eventId);
    if (this.#departures.size <= MAX_DEPARTURES) return;
    for (const old of [...this.#departures.keys()].slice(0, MAX_DEPARTURES / 2)) this.#departures.delete(old);
    this.missedUntil = `after ${eventId}`; // replaces sessions that the forgotten users have
  }
}
