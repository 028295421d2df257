// Encrypted rooms: what a step, an answer and a start cost with many members. There is no peer: engines leave members to the application.
import { DeviceTracker } from "matrix-device-tracker";
import { EncryptedRooms } from "matrix-device-tracker/rooms";
import { defer, filter, firstValueFrom, from, of, Subject } from "rxjs";
import { ME, userName } from "./answers.mjs";
import { elapsed } from "./measure.mjs";

/** Of {@link crowdedRooms}. */
export const ROOMS = 2_000;
const MEMBERSHIPS = 50_000;
const USERS = 20_000;

/** The policy under which every device of the benchmark gets the message. */
const POLICY = { devices: "all", unsigned: true };

const event = (type, content, state_key = "") => ({ type, content, state_key, event_id: `$${type}${state_key}` });

/** `rooms.join.<room ID>` of a response: an encrypted room with these members. */
const roomOf = (users) => ({
  state: {
    events: [
      event("m.room.create", {}),
      event("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" }),
      ...[ME, ...users].map((userId) => event("m.room.member", { membership: "join" }, userId)),
    ],
  },
});

/** An initial sync of one room with so many members. */
export const bigRoom = (members) => ({
  since: null,
  next_batch: "t0",
  rooms: { join: { "!big:example.org": roomOf(Array.from({ length: members }, (_, i) => userName(i))) } },
});

/** An initial sync of many rooms. */
export function crowdedRooms() {
  const join = Object.fromEntries(
    Array.from({ length: ROOMS }, (_, room) => {
      const members = Array.from({ length: MEMBERSHIPS / ROOMS - 1 }, (_, i) =>
        userName((room * 7919 + i * 31) % USERS),
      );
      return [`!room${room}:example.org`, roomOf(new Set(members))];
    }),
  );
  return { since: null, next_batch: "t0", rooms: { join } };
}

/** A tracker with its rooms. `answer` is asked for the body of a response to a query. */
export function trackerWithRooms(store, answer) {
  const sync$ = new Subject();
  const keysApi = {
    query: ({ device_keys }) => defer(() => from(Promise.resolve(answer(Object.keys(device_keys))))),
    changes: () => of({}),
  };
  const membersApi = { members: () => of({ chunk: [] }), state: () => of({}) };
  const rooms = new EncryptedRooms({ membersApi, lazyLoadMembers: false });
  const tracker = new DeviceTracker({
    userId: ME,
    sync$,
    keysApi,
    store,
    extensions: [rooms],
    maxListsInMemory: 20_000,
  });
  tracker.connect();
  return { tracker, rooms, sync$ };
}

/** Gives a response, until it is durable. */
export async function take({ tracker, sync$ }, response) {
  const durable = firstValueFrom(tracker.synced$.pipe(filter(({ next_batch }) => next_batch === response.next_batch)));
  sync$.next(response);
  await durable;
}

export const recipientsOf = ({ rooms }) => firstValueFrom(rooms.recipients("!big:example.org", POLICY));

/** Until all rooms are there. */
export const allRooms = ({ rooms }, count) => firstValueFrom(rooms.rooms$.pipe(filter(({ size }) => size === count)));

/** One more user joins the big room; in ms, until it is applied and until it is durable. */
export async function oneJoins(made, token) {
  const response = {
    since: `t${token}`,
    next_batch: `t${token + 1}`,
    rooms: {
      join: {
        "!big:example.org": {
          timeline: { events: [event("m.room.member", { membership: "join" }, `@new${token}:example.org`)] },
        },
      },
    },
  };
  const applied = firstValueFrom(made.tracker.applied$);
  const durable = take(made, response);
  return { applied: await elapsed(() => applied), durable: await elapsed(() => durable) };
}
