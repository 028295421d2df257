// What runs in Chromium: both sides with IndexedDB, on the answers of the page's own server.
import { initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import { DeviceTracker } from "matrix-device-tracker";
import { axiosKeysApi, matrixHttp } from "matrix-device-tracker/http";
import { idbStore } from "matrix-device-tracker/idb";
import { firstValueFrom, NEVER, skip } from "rxjs";
import { ME, textsFrom, userName } from "./answers.mjs";
import { compare, elapsed, spread } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";
import { allRooms, bigRoom, crowdedRooms, oneJoins, recipientsOf, ROOMS, take, trackerWithRooms } from "./rooms.mjs";

const newName = () => crypto.randomUUID();

const rows = {
  async "take in"(accounts) {
    const [userIds, answer] = [accounts.map(({ userId }) => userId), textsFrom(accounts)];
    const ourSample = async () => {
      const { tracker, stop } = ours.makeTracker(answer, idbStore(newName()));
      await ours.track(tracker, userIds);
      const time = await elapsed(() => ours.getLists(tracker, userIds));
      stop();
      return time;
    };
    const peerSample = async () => {
      const machine = await peer.makeMachine(newName());
      await peer.trackUsers(machine, userIds);
      const time = await elapsed(() => peer.answerQueries(machine, answer));
      machine.close();
      return time;
    };
    return compare(ourSample, peerSample);
  },

  async "take in the same answer again"(accounts) {
    const [userIds, answer] = [accounts.map(({ userId }) => userId), textsFrom(accounts)];
    const { tracker, stop } = await ours.makeTrackerWith(accounts, idbStore(newName()));
    const machine = await peer.makeMachineWith(accounts, answer, newName());
    const ask = () => firstValueFrom(tracker.getDeviceKeys(userIds, { forceDownload: true }));
    const result = await compare(
      () => elapsed(ask),
      async () => {
        await peer.applySync(machine, userIds);
        return elapsed(() => peer.answerQueries(machine, answer));
      },
    );
    stop();
    machine.close();
    return result;
  },

  async "read after a reload"(accounts) {
    const [userIds, answer] = [accounts.map(({ userId }) => userId), textsFrom(accounts)];
    const [ourName, peerName] = [newName(), newName()];
    (await ours.makeTrackerWith(accounts, idbStore(ourName))).stop();
    (await peer.makeMachineWith(accounts, answer, peerName)).close();
    const ourSample = async () => {
      let made;
      const time = await elapsed(async () => {
        made = ours.makeTracker(ours.NO_ANSWERS, idbStore(ourName));
        await ours.readIdentityKeys(made.tracker, userIds);
      });
      made.stop();
      return time;
    };
    const peerSample = async () => {
      let machine;
      const time = await elapsed(async () => {
        machine = await peer.openMachine(peerName);
        await peer.readIdentityKeys(machine, userIds);
      });
      machine.close();
      return time;
    };
    return compare(ourSample, peerSample);
  },

  async "start with 10,000 tracked users, then the keys of one"(accounts) {
    const [account] = accounts;
    const others = names(10_000).map((userId) => `${userId}:443`);
    const [ourName, peerName] = [newName(), newName()];
    const made = await ours.makeTrackerWith([account], idbStore(ourName));
    await ours.track(made.tracker, others);
    made.stop();
    const machine = await peer.makeMachineWith([account], textsFrom([account]), peerName);
    await peer.trackUsers(machine, others);
    machine.close();
    const ourSample = async () => {
      let started;
      const time = await elapsed(async () => {
        started = ours.makeTracker(ours.NO_ANSWERS, idbStore(ourName));
        await ours.readIdentityKeys(started.tracker, [account.userId]);
      });
      started.stop();
      return time;
    };
    const peerSample = async () => {
      let started;
      const time = await elapsed(async () => {
        started = await peer.openMachine(peerName);
        await started.outgoingRequests(); // only these say whose list is outdated
        await peer.readIdentityKeys(started, [account.userId]);
      });
      started.close();
      return time;
    };
    return compare(ourSample, peerSample);
  },
};

/** Many tracked users without lists, in a new database. */
async function databaseWith(userIds) {
  const name = newName();
  const { tracker, stop } = ours.makeTracker(ours.NO_ANSWERS, idbStore(name));
  await ours.track(tracker, userIds);
  stop();
  return name;
}

const names = (count) => Array.from({ length: count }, (_, i) => userName(i));

/** A step that names these users, until it is durable. */
async function step(sync$, tracker, changed) {
  const durable = firstValueFrom(tracker.synced$.pipe(skip(1)));
  sync$.next({ since: null, next_batch: "t0" });
  sync$.next({ since: "t0", next_batch: "t1", device_lists: { changed, left: [] } });
  await durable;
}

function prepareStep(count) {
  const { tracker, sync$ } = ours.makeTracker(ours.NO_ANSWERS, idbStore(newName()));
  const changed = names(count);
  return () => step(sync$, tracker, changed);
}

/** What a page must stay smooth during: prepares, and returns what is measured. */
const tasks = {
  async "take in 10,000 users with 5 devices each"() {
    const http = matrixHttp({ homeserverUrl: location.origin, accessToken: "bench" });
    const userIds = names(10_000);
    const tracker = new DeviceTracker({
      userId: ME,
      sync$: NEVER,
      keysApi: axiosKeysApi(http),
      store: idbStore(newName()),
    });
    await ours.track(tracker, userIds);
    return () => ours.getLists(tracker, userIds);
  },
  "a step that names 20,000": () => prepareStep(20_000),
  "a step that names 100,000": () => prepareStep(100_000),
  async "track() of 100,000"() {
    const { tracker } = ours.makeTracker(ours.NO_ANSWERS, idbStore(newName()));
    const userIds = names(100_000);
    return () => ours.track(tracker, userIds);
  },
  async "start with 100,000 tracked"() {
    const name = await databaseWith(names(100_000));
    return () => firstValueFrom(ours.makeTracker(ours.NO_ANSWERS, idbStore(name)).tracker.trackedUsers$);
  },
};

/** What encrypted rooms cost: there is no peer, an engine does not know who is in a room. Each returns the ms of some rounds. */
const figures = {
  async "the recipients in a room of 10,000, from memory"() {
    const { made } = await bigRoomMade();
    return rounds(() => elapsed(() => recipientsOf(made)));
  },
  async "the same after a reload, from IndexedDB"() {
    const { name, made, answer } = await bigRoomMade();
    made.tracker.close();
    return rounds(async () => {
      let opened;
      const time = await elapsed(async () => {
        opened = trackerWithRooms(idbStore(name), answer);
        await recipientsOf(opened);
      });
      opened.tracker.close();
      return time;
    });
  },
  async "one more joins the room of 10,000, until it is applied"() {
    const { made } = await bigRoomMade();
    let token = 0;
    return rounds(async () => (await oneJoins(made, token++)).applied);
  },
  async "the same until it is durable"() {
    const { made } = await bigRoomMade();
    let token = 0;
    return rounds(async () => (await oneJoins(made, token++)).durable);
  },
  async "2,000 rooms with 50,000 members, from a reload to all of them"() {
    const name = newName();
    const made = trackerWithRooms(idbStore(name), ours.NO_ANSWERS);
    await take(made, crowdedRooms());
    made.tracker.close();
    return rounds(async () => {
      let opened;
      const time = await elapsed(async () => {
        opened = trackerWithRooms(idbStore(name), ours.NO_ANSWERS);
        await allRooms(opened, ROOMS);
      });
      opened.tracker.close();
      return time;
    });
  },
};

const FIGURE_ROUNDS = 5;

/** The median and quartiles, after one round to warm up. */
async function rounds(sample) {
  await sample();
  const times = [];
  for (let round = 0; round < FIGURE_ROUNDS; round++) times.push(await sample());
  return spread(times);
}

/** A room of 10,000 whose members have one device each, all of them fetched and saved. */
async function bigRoomMade() {
  const userIds = names(10_000);
  const accounts = await (await fetch("accounts.json")).json();
  const device = Object.values(accounts[0].devices)[0];
  // Signatures are not what is measured: all of these devices are unsigned.
  const answer = (wanted) => ({
    failures: {},
    device_keys: Object.fromEntries(
      wanted.map((userId) => [
        userId,
        { D: { ...device, user_id: userId, device_id: "D", keys: keysOf(device), signatures: {} } },
      ]),
    ),
  });
  const name = newName();
  const made = trackerWithRooms(idbStore(name), answer);
  await take(made, bigRoom(userIds.length));
  const { devices } = await recipientsOf(made);
  if (devices.length < userIds.length) throw new Error(`only ${devices.length} devices get the message`);
  return { name, made, answer };
}

/** Its keys under the device ID "D". */
const keysOf = ({ keys }) =>
  Object.fromEntries(Object.entries(keys).map(([id, key]) => [`${id.split(":")[0]}:D`, key]));

/** The longest task of the page while something goes on, in ms; 0 if none took over 50 ms. */
async function longestTask(action) {
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ type: "longtask" });
  await action();
  await new Promise((resolve) => setTimeout(resolve, 500)); // what follows is part of it
  observer.disconnect();
  return longest;
}

const prepared = new Map();

/** What the driver of the browser calls. */
globalThis.bench = {
  rows: Object.keys(rows),
  tasks: Object.keys(tasks),
  figures: Object.keys(figures),
  measure: (name) => figures[name](),
  /** The median and quartiles of a row. */
  compare: async (name) => {
    const accounts = await (await fetch("accounts.json")).json();
    await initAsync();
    return rows[name](accounts);
  },
  prepare: async (name) => void prepared.set(name, await tasks[name]()),
  /** The longest task of something that is prepared, in ms. */
  longestTask: (name) => longestTask(prepared.get(name)),
};
