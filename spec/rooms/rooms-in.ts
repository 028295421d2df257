import { map, type Observable } from "rxjs";
import type { UserId } from "../../src/model/ids.js";
import { EncryptedRooms, type EncryptedRoomsOptions } from "../../src/rooms/encrypted-rooms.js";
import type { RoomRecipientPolicy, RoomRecipients } from "../../src/rooms/room-recipients.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import type { ScriptedRoom } from "../../src/testing/scripted-rooms.js";
import type { RecipientPolicy } from "../../src/trust/recipient-policy.js";
import type { Marbles } from "../support/marbles.js";
import { otherTab, restarted, setUp, type SetUp, type UnderTest } from "../support/set-up.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL, DAVE, EVE } from "../support/users.js";

export const ROOM = "!room:example.org";
export const OTHER = "!other:example.org";

/** Devices of a {@link ScriptedHomeserver} are signed by nobody. */
export const ALL: RoomRecipientPolicy & RecipientPolicy = { devices: "all", unsigned: true };

export interface RoomsSetUp extends SetUp, Partial<EncryptedRoomsOptions> {
  /** How long the homeserver takes to answer. @default 0 */
  readonly answerAfter?: number;
  /** Whether the homeserver leaves members out, and the rooms know. @default true */
  readonly isLazy?: boolean;
}

export interface RoomsUnderTest extends UnderTest {
  readonly rooms: EncryptedRooms;
  /** `recipients`, in summary. */
  readonly recipients: (roomId?: string, policy?: RoomRecipientPolicy) => Observable<string>;
  /** `watchRecipients`, in summary. */
  readonly watchRecipients: (roomId?: string, policy?: RecipientPolicy) => Observable<string>;
  /** The tracked users. */
  readonly tracked: () => string;
}

/** A homeserver on which everybody has one device, and Alice is in an encrypted room. */
export function homeserverIn(
  m: Marbles,
  answerAfter = 0,
  members: readonly UserId[] = [ALICE, BOB],
): ScriptedHomeserver {
  const homeserver = new ScriptedHomeserver({ scheduler: m.scheduler, answerAfter });
  homeserver.rooms.isLazy = true;
  for (const userId of [ALICE, BOB, CAROL, DAVE, EVE])
    homeserver.addDevice(userId, `${localpart(userId).toUpperCase()}1`);
  encryptedRoom(homeserver, ROOM, members);
  return homeserver;
}

export function encryptedRoom(
  homeserver: ScriptedHomeserver,
  roomId: string,
  members: readonly UserId[],
): ScriptedRoom {
  const room = homeserver.room(roomId);
  room.join(...members);
  room.encrypt();
  return room;
}

/** Alice's tracker with her rooms, connected. The homeserver has not been asked for anything yet. */
export function roomsIn(m: Marbles, options: RoomsSetUp = {}): RoomsUnderTest {
  const { isLazy = true, answerAfter = 0, homeserver = homeserverIn(m, answerAfter), ...rest } = options;
  homeserver.rooms.isLazy = isLazy;
  const { rooms, others } = withRooms(homeserver, { ...rest, isLazy });
  return underTest(rooms, setUp(m, { homeserver, ...others }));
}

/** Another tab on the same store. */
export function otherTabIn(m: Marbles, first: RoomsUnderTest, options: RoomsSetUp = {}): RoomsUnderTest {
  const { rooms, others } = withRooms(first.homeserver, options);
  return underTest(rooms, otherTab(m, first, others));
}

/** The page after the first one, on what that one saved. */
export function restartedIn(m: Marbles, first: RoomsUnderTest, options: RoomsSetUp = {}): RoomsUnderTest {
  const { rooms, others } = withRooms(first.homeserver, options);
  return underTest(rooms, restarted(m, first, others));
}

/** Such as `alice ALICE1, bob BOB1`, with what else is not as usual. */
function inShort({ devices, joined, invited, uncertain, leftOut, isComplete }: RoomRecipients): string {
  const reached = devices.map(({ userId, deviceId }) => `${localpart(userId)} ${deviceId}`);
  const without = [...joined, ...invited].filter((userId) => !devices.some((device) => device.userId === userId));
  const parts = [
    reached.join(", "),
    ...(without.length === 0 ? [] : [`without ${without.map(localpart).join(" ")}`]),
    ...(uncertain.length === 0 ? [] : [`uncertain ${uncertain.map(localpart).join(" ")}`]),
    ...(leftOut.length === 0 ? [] : [`left out ${leftOut.map(({ deviceId }) => deviceId).join(" ")}`]),
    ...(isComplete ? [] : ["incomplete"]),
  ];
  return parts.join("; ");
}

function withRooms(homeserver: ScriptedHomeserver, { isLazy = true, membersApi, ...others }: RoomsSetUp) {
  const rooms = new EncryptedRooms({ membersApi: membersApi ?? homeserver.membersApi, lazyLoadMembers: isLazy });
  return { rooms, others: { ...others, extensions: [rooms] } };
}

function underTest(rooms: EncryptedRooms, under: UnderTest): RoomsUnderTest {
  let tracked: ReadonlySet<UserId> = new Set();
  under.tracker.trackedUsers$.subscribe((users) => (tracked = users));
  return {
    ...under,
    rooms,
    recipients: (roomId = ROOM, policy = ALL) => rooms.recipients(roomId, policy).pipe(map(inShort)),
    watchRecipients: (roomId = ROOM, policy = ALL) => rooms.watchRecipients(roomId, policy).pipe(map(inShort)),
    tracked: () => [...tracked].map(localpart).sort().join(" "),
  };
}
