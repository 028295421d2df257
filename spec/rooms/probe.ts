import type { UserId } from "../../src/model/ids.js";
import type { RoomId } from "../../src/rooms/wire.js";
import type { SyncResponse } from "../../src/model/wire.js";
import type { SyncExtension } from "../../src/sync/sync-extension.js";

/** That a user was no member any more, by an event that a response shows. */
export interface Departure {
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** The position of the event. */
  readonly at: number;
}

/** What a response shows, and the position that it leads to. */
interface Shown {
  readonly to: number;
  readonly departures: readonly Departure[];
}

/** The departures that the responses have shown which a tracker stands on: an extension beside the rooms. */
export class Probe implements SyncExtension<Shown> {
  readonly name = "probe";
  /** The position up to which responses were missed last. */
  missedTo = 0;
  /** The position of the last response that was read or missed. */
  standsOn = 0;
  readonly #shown = new Map<string, number>();
  readonly #replayed: () => void;

  /** @param replayed called when an event is applied again, on top of commits of other tabs */
  constructor(replayed: () => void) {
    this.#replayed = replayed;
  }

  /** The position of the last event by which a user left; 0 if none has been shown. */
  departure(roomId: RoomId, userId: UserId): number {
    return this.#shown.get(`${roomId} ${userId}`) ?? 0;
  }

  attach(): void {
    // It only reads.
  }

  restore(records: readonly unknown[] | undefined): void {
    this.#shown.clear();
    this.missedTo = records === undefined ? Number.POSITIVE_INFINITY : 0;
    this.standsOn = 0;
    for (const record of records ?? []) {
      const { missedTo, standsOn, shown } = record as SavedProbe;
      Object.assign(this, { missedTo, standsOn });
      for (const [who, at] of shown) this.#shown.set(who, at);
    }
  }

  read(response: SyncResponse): readonly Shown[] {
    return [{ to: Number(response.next_batch.slice(1)), departures: departuresIn(response) }];
  }

  apply({ to, departures }: Shown): undefined {
    if (to <= this.standsOn) this.#replayed();
    this.standsOn = to;
    for (const { roomId, userId, at } of departures)
      this.#shown.set(`${roomId} ${userId}`, Math.max(at, this.departure(roomId, userId)));
  }

  missed(token: string | undefined): void {
    this.missedTo = token === undefined ? Number.POSITIVE_INFINITY : Number(token.slice(1));
    if (token !== undefined) this.standsOn = this.missedTo;
  }

  records(): readonly unknown[] {
    const { missedTo, standsOn } = this;
    return [{ missedTo, standsOn, shown: [...this.#shown] } satisfies SavedProbe];
  }

  summary(): readonly Shown[] {
    return [];
  }

  trackedUsers(): readonly UserId[] {
    return [];
  }
}

interface SavedProbe {
  readonly missedTo: number;
  readonly standsOn: number;
  readonly shown: readonly (readonly [string, number])[];
}

interface ShownRoom {
  readonly state?: { readonly events: readonly ShownEvent[] };
  readonly state_after?: { readonly events: readonly ShownEvent[] };
  readonly "org.matrix.msc4222.state_after"?: { readonly events: readonly ShownEvent[] };
  readonly timeline: { readonly events: readonly ShownEvent[]; readonly limited: boolean };
}

interface ShownEvent {
  readonly type: string;
  readonly state_key?: string;
  readonly event_id: string;
  readonly content: { readonly membership?: string };
}

/** Every event by which a user is no member any more; in a limited timeline an invitation may be all that is left of it. */
function departuresIn({ rooms }: SyncResponse): readonly Departure[] {
  const { join = {}, leave = {} } = (rooms ?? {}) as Record<"join" | "leave", Record<RoomId, ShownRoom> | undefined>;
  return [...Object.entries(join), ...Object.entries(leave)].flatMap(([roomId, room]) => {
    const state = [room.state, room.state_after, room["org.matrix.msc4222.state_after"], room.timeline];
    const { limited } = room.timeline;
    return state
      .flatMap((section) => section?.events ?? [])
      .flatMap(({ type, state_key: userId, event_id: id, content: { membership } }) => {
        const isGone = membership !== "join" && (limited || membership !== "invite");
        const at = Number(id.slice(1));
        return type === "m.room.member" && userId !== undefined && isGone ? [{ roomId, userId, at }] : [];
      })
      .sort((one, another) => one.at - another.at);
  });
}
