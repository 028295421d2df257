import type { UserId } from "matrix-device-tracker";
import type { RoomId } from "matrix-device-tracker/rooms";

/** A homeserver, our account there, and the users to follow. */
export interface Place {
  readonly homeserverUrl: string;
  readonly accessToken: string;
  readonly userId: UserId;
  readonly deviceId: string;
  /** The room of the people on the page, if we know of one. */
  readonly room?: RoomId;
  /** Users to track besides the members of that room: a first sync announces no users. */
  readonly members: readonly UserId[];
  /** The users on the page besides ourselves, members or not. */
  readonly shown: readonly UserId[];
  /** Whether it is the homeserver that comes with this page, which obeys the buttons. */
  readonly embedded: boolean;
  /** Our master key as our phone shows it, not as the server returns it. Only known if `embedded`. */
  readonly phoneShows?: string;
}

/** The users in the diagram of a place, ourselves last. */
export const usersOf = ({ shown, userId }: Place): readonly UserId[] => [
  ...new Set(shown.filter((user) => user !== userId)),
  userId,
];
