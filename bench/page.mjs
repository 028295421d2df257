// What runs in Chromium: both sides with IndexedDB, on the answers of the page's own server.
import { initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import { idbStore } from "matrix-device-tracker/idb";
import { firstValueFrom } from "rxjs";
import { answerFor } from "./answers.mjs";
import { compare, elapsed } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

const newName = () => crypto.randomUUID();

/** Answers as texts, made once for each set of users: making them does not count. */
function textsFrom(accounts) {
  const byId = new Map(accounts.map((account) => [account.userId, account]));
  const texts = new Map();
  return (userIds) => {
    const key = userIds.join();
    const text = texts.get(key) ?? answerFor(userIds.map((userId) => byId.get(userId)));
    texts.set(key, text);
    return text;
  };
}

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
};

/** The median and quartiles of a row, by its name. */
globalThis.measure = async (name) => {
  const accounts = await (await fetch("accounts.json")).json();
  await initAsync();
  return rows[name](accounts);
};
globalThis.rowNames = Object.keys(rows);
