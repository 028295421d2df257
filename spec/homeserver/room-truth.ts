import type { UserId } from "../../src/model/ids.js";
import type { Person } from "./person.js";

/** What a homeserver's state says of a room. */
export interface RoomTruth {
  readonly joined: readonly UserId[];
  readonly invited: readonly UserId[];
  readonly historyVisibility: unknown;
  readonly algorithm: unknown;
}

interface StateEvent {
  readonly type: string;
  readonly state_key: UserId;
  readonly content: Readonly<Record<string, unknown>>;
}

/** The current state of a room, as this person's homeserver has it. */
export async function roomTruth(person: Person, roomId: string): Promise<RoomTruth> {
  const state = (await person.read(roomId, "state")) as readonly StateEvent[];
  const { chunk } = (await person.read(roomId, "members")) as { readonly chunk: readonly StateEvent[] };
  const truth = membersIn(state);
  const other = membersIn(chunk);
  // Two requests: only a room at rest has one truth.
  if (JSON.stringify(truth) !== JSON.stringify(other)) throw new Error(`/state and /members of ${roomId} differ`);
  const content = (wanted: string) => state.find(({ type, state_key }) => type === wanted && state_key === "")?.content;
  return {
    ...truth,
    historyVisibility: content("m.room.history_visibility")?.history_visibility,
    algorithm: content("m.room.encryption")?.algorithm,
  };
}

function membersIn(events: readonly StateEvent[]): Pick<RoomTruth, "joined" | "invited"> {
  const withMembership = (wanted: string) =>
    events
      .filter(({ type, content }) => type === "m.room.member" && content.membership === wanted)
      .map(({ state_key }) => state_key)
      .toSorted();
  return { joined: withMembership("join"), invited: withMembership("invite") };
}
