// Taking in one answer of /keys/query, from its text to lists that are saved.
import { webcrypto } from "node:crypto";
import { canonicalJson } from "./accounts.mjs";
import { compare, elapsed } from "./measure.mjs";
import * as ours from "./ours.mjs";
import * as peer from "./peer.mjs";

/** @param {readonly import("./accounts.mjs").Account[]} accounts as many as one request may hold */
export async function keyQuery(accounts) {
  const userIds = accounts.map(({ userId }) => userId);
  const text = ours.answersFrom(accounts)(userIds);
  const answer = () => text;

  const takeIn = async (andThen) => {
    const { tracker, stop } = ours.makeTracker(answer);
    await ours.track(tracker, userIds);
    const time = await elapsed(async () => {
      const users = await ours.getLists(tracker, userIds);
      await andThen?.(users);
    });
    stop();
    return time;
  };
  const peerTakesIn = async () => {
    const machine = await peer.makeMachine();
    await peer.trackUsers(machine, userIds);
    const time = await elapsed(() => peer.answerQueries(machine, answer));
    machine.close();
    return time;
  };
  const devices = accounts.reduce((sum, account) => sum + Object.keys(account.devices).length, 0);
  return [
    {
      name: `answer of /keys/query: ${userIds.length} users, ${devices} devices`,
      note: "**not the same work**: the peer verifies each device's signature, ours does not yet",
      ...(await compare(() => takeIn(), peerTakesIn)),
    },
    {
      name: "the same, and ours followed by verifying every signature with WebCrypto",
      note: "what ours will cost at about the least once it verifies; the verification is the benchmark's, not the package's",
      ...(await compare(() => takeIn(verifyAll), peerTakesIn)),
    },
  ];
}

/** Verifies what each device says of itself, 64 at a time. */
async function verifyAll(users) {
  const devices = Array.from(users.values()).flatMap(({ deviceKeys }) => [...deviceKeys.values()]);
  for (let i = 0; i < devices.length; i += 64) {
    const verified = await Promise.all(devices.slice(i, i + 64).map(verify));
    if (verified.includes(false)) throw new Error("a signature of a benchmark's device is wrong");
  }
}

async function verify({ signatures, unsigned: _, ...signed }) {
  const name = `ed25519:${signed.device_id}`;
  const key = await webcrypto.subtle.importKey("raw", Buffer.from(signed.keys[name], "base64"), "Ed25519", false, ["verify"]);
  return webcrypto.subtle.verify("Ed25519", key, Buffer.from(signatures[signed.user_id][name], "base64"), Buffer.from(canonicalJson(signed)));
}
