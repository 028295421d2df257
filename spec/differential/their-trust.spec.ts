import {
  CollectStrategy,
  DeviceId,
  EncryptionSettings,
  OlmMachine,
  type OtherUserIdentity,
  type OwnUserIdentity,
  RequestType,
  RoomId,
  UserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { objectAt, write } from "./json.js";
import { KeyRing, makeKeyPairs, signObject } from "./key-pair.js";
import { honestResponse, ME, MY_DEVICE, Person } from "./person.js";
import { Random } from "../support/random.js";
import { loadTheirs } from "./their-verdict.js";

/* What `docs/differences.md` says of matrix-sdk-crypto beside the comparison of responses. */

const BOB = "@bob:example.org";

describe("trust in matrix-sdk-crypto", () => {
  const pairs = makeKeyPairs(new Random(0));
  let machine: OlmMachine;
  let rooms = 0;
  let me: Person;
  let bob: Person;
  beforeAll(loadTheirs);
  beforeEach(async () => {
    const keys = new KeyRing(pairs, 0);
    [me, bob] = [ME, BOB].map((userId) => new Person(userId, new Random(1), keys)) as [Person, Person];
    for (const person of [me, bob]) {
      person.identity = person.newIdentity();
      person.devices.clear();
    }
    for (const [id, crossSigned] of [["SIGNED", true] as const, ["LEGACY", false] as const]) {
      bob.addDevice(id);
      Object.assign(bob.devices.get(id) ?? {}, { signedByItself: true, crossSigned, dehydrated: false });
    }
    machine = await OlmMachine.initialize(new UserId(ME), new DeviceId(MY_DEVICE));
  });

  /** The server's response about both users. */
  async function receive({ withOurSignature = false } = {}): Promise<void> {
    const response = honestResponse([me, bob]);
    const ours = me.identity?.userSigning;
    if (withOurSignature && ours !== undefined)
      signObject(objectAt(response, "master_keys", BOB), ME, ours.publicKey, ours);
    const { id } = machine.queryKeysForUsers([new UserId(ME), new UserId(BOB)]);
    await machine.markRequestAsSent(id, RequestType.KeysQuery, write(response));
  }
  const own = async () => (await machine.getIdentity(new UserId(ME))) as OwnUserIdentity;
  const bobs = async () => (await machine.getIdentity(new UserId(BOB))) as OtherUserIdentity;

  /** What Bob's devices get. There are no one-time keys: `m.no_olm`, sent once, stands for the room key. */
  async function codes(strategy: CollectStrategy): Promise<Record<string, string>> {
    const settings = new EncryptionSettings();
    settings.sharingStrategy = strategy;
    const requests = await machine.shareRoomKey(new RoomId(`!${rooms++}:example.org`), [new UserId(BOB)], settings);
    const bodies = requests.map(({ body }) => JSON.parse(body) as { messages: Record<string, object> });
    const messages = bodies.flatMap(({ messages: { [BOB]: byDevice = {} } }) => Object.entries(byDevice));
    return Object.fromEntries(messages.map(([deviceId, { code }]: [string, { code: string }]) => [deviceId, code]));
  }

  it("the server alone makes no user verified", async () => {
    await receive({ withOurSignature: true });
    expect([(await own()).isVerified(), (await bobs()).isVerified()]).toEqual([false, false]);
    await (await own()).verify();
    expect([(await own()).isVerified(), (await bobs()).isVerified()]).toEqual([true, true]);
  });

  it("a verification is remembered once a response has shown it", async () => {
    await receive({ withOurSignature: true });
    await (await own()).verify();
    await receive();
    expect((await bobs()).wasPreviouslyVerified()).toBe(false);
    await receive({ withOurSignature: true });
    expect((await bobs()).wasPreviouslyVerified()).toBe(true);
    await receive();
    expect([(await bobs()).isVerified(), (await bobs()).hasVerificationViolation()]).toEqual([false, true]);
  });

  it("a verification that is violated makes two strategies fail", async () => {
    await receive();
    await (await own()).verify();
    await receive({ withOurSignature: true });
    bob.identity = bob.newIdentity();
    await receive();
    const problem = "users that were verified have changed their identity";
    await expect(codes(CollectStrategy.identityBasedStrategy())).rejects.toThrow(problem);
    await expect(codes(CollectStrategy.errorOnUnverifiedUserProblem())).rejects.toThrow(problem);
    expect(await codes(CollectStrategy.onlyTrustedDevices())).toEqual({
      SIGNED: "m.unverified",
      LEGACY: "m.unverified",
    });
    expect(await codes(CollectStrategy.allDevices())).toEqual({ SIGNED: "m.no_olm", LEGACY: "m.no_olm" });
  });

  it.each([
    ["identityBasedStrategy", { SIGNED: "m.no_olm", LEGACY: "m.unverified" }],
    ["errorOnUnverifiedUserProblem", { SIGNED: "m.no_olm", LEGACY: "m.no_olm" }],
    ["allDevices", { SIGNED: "m.no_olm", LEGACY: "m.no_olm" }],
    ["onlyTrustedDevices", { SIGNED: "m.unverified", LEGACY: "m.unverified" }],
  ] as const)("%s takes no notice of an unverified identity that changed", async (strategy, expected) => {
    await receive();
    await (await own()).verify();
    bob.identity = bob.newIdentity();
    await receive();
    expect((await bobs()).identityNeedsUserApproval()).toBe(true);
    expect(await codes(CollectStrategy[strategy]())).toEqual(expected);
  });
});
