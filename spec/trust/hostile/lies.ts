import type { CrossSigningKey, DeviceKeys, KeysQueryResponse } from "../../../src/model/wire.js";
import { keyPair, signed, signedAccount } from "../../support/signed-account.js";
import { ALICE, BOB } from "../../support/users.js";
import { deviceObject, ours, unsignedObject, type Owner } from "./owner.js";

/** What a server can change in an answer; `pick` chooses among what there is. */
export interface Lie {
  readonly type: (typeof LIES)[number];
  readonly pick: number;
}

export const LIES = [
  "replay a device",
  "drop a device",
  "swap a key, self-signed",
  "swap a key, unsigned",
  "swap a key, signed by another identity",
  "invent a device",
  "invent many devices",
  "claim another device's curve25519 key",
  "claim both keys of a device",
  "strip the owner's signature",
  "strip all signatures",
  "break a signature",
  "show another identity",
  "show a former identity",
  "omit the master key",
  "omit the self-signing key",
  "show a former self-signing key",
  "strip our signature",
  "forge our signatures",
  "name a device like the master key",
  "omit our own identity",
  "show another identity of ours, which has signed the other Bob",
] as const;

const mallory = signedAccount(BOB, "mallory");
const mallorysAlice = signedAccount(ALICE, "mallory");
const malloryKey = keyPair("mallory's device");
const OTHER_CURVE = mallory.device("X").keys["curve25519:X"] ?? "";

interface Answer {
  devices: DeviceKeys[];
  masterKey: CrossSigningKey | undefined;
  selfSigningKey: CrossSigningKey | undefined;
  own: typeof ours | undefined;
}

/** What a server answered. */
export interface Told {
  readonly response: KeysQueryResponse;
  /** Whether our own identity is in it, and is ours. */
  readonly hasOurIdentity: boolean;
}

/** What the server answers about Bob and us, with these lies in it. */
export function answerWith(owner: Owner, lies: readonly Lie[]): Told {
  const answer: Answer = { ...owner.publish(), own: ours };
  for (const lie of lies) tell(answer, owner, lie);
  const { devices, masterKey, selfSigningKey, own } = answer;
  const response: KeysQueryResponse = {
    device_keys: { [BOB]: Object.fromEntries(devices.map((device) => [device.device_id, device])), [ALICE]: {} },
    master_keys: { ...(masterKey && { [BOB]: masterKey }), ...(own && { [ALICE]: own.masterKey }) },
    self_signing_keys: {
      ...(selfSigningKey && { [BOB]: selfSigningKey }),
      ...(own && { [ALICE]: own.selfSigningKey }),
    },
    user_signing_keys: own ? { [ALICE]: own.userSigningKey } : {},
  };
  return { response, hasOurIdentity: own === ours };
}

function tell(answer: Answer, owner: Owner, { type, pick }: Lie): void {
  const index = answer.devices.length === 0 ? 0 : pick % answer.devices.length;
  const device = answer.devices[index];
  const deviceId = device?.device_id ?? "PHONE";
  const curve25519 = device?.keys[`curve25519:${deviceId}`] ?? OTHER_CURVE;
  const replace = (one: DeviceKeys) => {
    answer.devices = [...answer.devices.filter((other) => other.device_id !== one.device_id), one];
  };
  const from = <T>(all: readonly T[]): T | undefined => all[pick % Math.max(1, all.length)];
  switch (type) {
    case "replay a device": {
      const old = from(owner.published.devices);
      if (old !== undefined) replace(old);
      break;
    }
    case "drop a device":
      answer.devices.splice(index, 1);
      break;
    case "swap a key, self-signed":
      replace(deviceObject(deviceId, malloryKey, curve25519));
      break;
    case "swap a key, unsigned":
      replace(unsignedObject(deviceId, malloryKey.publicKey, OTHER_CURVE));
      break;
    case "swap a key, signed by another identity":
      replace(signed(deviceObject(deviceId, malloryKey, OTHER_CURVE), BOB, mallory.selfSigning));
      break;
    case "invent a device":
      replace(deviceObject(`NEW${pick % 3}`, malloryKey, OTHER_CURVE));
      break;
    case "invent many devices":
      for (let i = 0; i < 20; i++) replace(unsignedObject(`MANY${i}`, malloryKey.publicKey, OTHER_CURVE));
      break;
    case "claim another device's curve25519 key":
      replace(deviceObject("THIEF", malloryKey, curve25519));
      break;
    case "claim both keys of a device":
      replace(unsignedObject("THIEF", device?.keys[`ed25519:${deviceId}`] ?? "", curve25519));
      break;
    case "strip the owner's signature":
      if (device !== undefined) {
        const own = device.signatures?.[BOB]?.[`ed25519:${deviceId}`] ?? "";
        replace({ ...device, signatures: { [BOB]: { [`ed25519:${deviceId}`]: own } } });
      }
      break;
    case "strip all signatures":
      if (device !== undefined) {
        const { signatures: _, ...unsigned } = device;
        replace(unsigned);
      }
      break;
    case "break a signature":
      if (device !== undefined) replace({ ...device, keys: { ...device.keys, "other:KEY": String(pick) } });
      break;
    case "show another identity":
      answer.masterKey = mallory.masterKey;
      answer.selfSigningKey = mallory.selfSigningKey;
      break;
    case "show a former identity":
      answer.masterKey = from(owner.published.masters);
      break;
    case "omit the master key":
      answer.masterKey = undefined;
      break;
    case "omit the self-signing key":
      answer.selfSigningKey = undefined;
      break;
    case "show a former self-signing key":
      answer.selfSigningKey = from(owner.published.selfSigning);
      break;
    case "strip our signature":
      if (answer.masterKey !== undefined) answer.masterKey = { ...answer.masterKey, signatures: {} };
      break;
    case "forge our signatures":
      if (answer.masterKey !== undefined) answer.masterKey = withForgedSignatures(answer.masterKey);
      break;
    case "name a device like the master key":
      replace(deviceObject(owner.masterKey, malloryKey, OTHER_CURVE));
      break;
    case "omit our own identity":
      answer.own = undefined;
      break;
    case "show another identity of ours, which has signed the other Bob":
      answer.own = mallorysAlice;
      answer.masterKey = signed(mallory.masterKey, ALICE, mallorysAlice.userSigning);
      answer.selfSigningKey = mallory.selfSigningKey;
      break;
  }
}

/** Ten bogus ones come before what is there. */
function withForgedSignatures(key: CrossSigningKey): CrossSigningKey {
  const bogus = Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [`ed25519:${keyPair(`bogus ${i}`).publicKey}`, "A".repeat(86)]),
  );
  return { ...key, signatures: { ...key.signatures, [ALICE]: { ...bogus, ...key.signatures?.[ALICE] } } };
}
