import { describe, expect, it } from "vitest";
import { decodeBase64 } from "../../src/keys/base64.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import { LOST_PINS, NO_PINS, type Pins } from "../../src/trust/pins.js";
import { trustChain, type TrustChain } from "../../src/trust/trust-chain.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { signed } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";
import { ed25519 } from "./pinned-lists.js";
import { alice, bob, phone, tablet, verify } from "./verify.js";

const pins: Pins = { devices: new Map([["PHONE", ed25519(phone)]]), masterKey: bob.master.publicKey };

/** Bob's list; `changes` to his identity. */
function bobsList(changes: Partial<DeviceList["identity"]> = {}, given: Parameters<typeof verify>[0] = {}): DeviceList {
  const { list } = verify({ devices: [phone, tablet], ...given });
  return { ...list, identity: { ...list.identity, pinnedMasterKey: bob.master.publicKey, ...changes } };
}

/** Our own list: confirmed, unless the changes say otherwise. */
function ourList(confirmed: boolean): DeviceList {
  const { list } = verify({ account: alice });
  const identity = { ...list.identity, pinnedMasterKey: alice.master.publicKey };
  return { ...list, identity: confirmed ? { ...identity, confirmed: true } : identity };
}

const chain = (list: DeviceList | undefined, known: Pins = pins, own: DeviceList | undefined = ourList(true)) =>
  trustChain({ userId: BOB, deviceId: "PHONE" }, { list, pins: known }, ALICE, own);

const summary = ({ links, trust, weakest }: TrustChain) =>
  `${links.map(({ kind, evidence }) => `${kind} ${evidence}`).join(", ")}: ${trust}, by ${weakest?.kind ?? "nothing"}`;

describe("the chain to a device", () => {
  const verifiedMaster = signed(bob.masterKey, ALICE, alice.userSigning);

  it.each<[string, TrustChain, string]>([
    [
      "begins at our own master key if the user is verified",
      chain(bobsList({}, { masterKey: verifiedMaster })),
      "own-master verified, own-user-signing cross-signed, master cross-signed, self-signing cross-signed, device cross-signed: verified, by nothing",
    ],
    [
      "begins at the user's master key if our own identity is not confirmed",
      chain(bobsList({}, { masterKey: verifiedMaster }), pins, ourList(false)),
      "master seen, self-signing cross-signed, device cross-signed: cross-signed, by master",
    ],
    [
      "is as strong as an acknowledged master key",
      chain(bobsList(), { ...pins, masterEvidence: "acknowledged" }),
      "master acknowledged, self-signing cross-signed, device cross-signed: acknowledged, by master",
    ],
    [
      "says nothing for an identity that has changed",
      chain(bobsList({ pinnedMasterKey: "other" }), { ...pins, masterKey: "other" }),
      "master seen, self-signing cross-signed, device cross-signed: self-signed, by master",
    ],
    [
      "says nothing for an identity that cannot be compared",
      chain(bobsList({ uncompared: true }), {
        ...LOST_PINS,
        masterKey: bob.master.publicKey,
        masterEvidence: "verified",
      }),
      "master seen, self-signing cross-signed, device cross-signed: self-signed, by master",
    ],
    [
      "is the device alone if its user's identity has not signed it",
      chain(bobsList({}, { devices: [bob.device("PHONE", { signedBy: ["itself"] })] })),
      "device self-signed: self-signed, by device",
    ],
    [
      "is the device alone, acknowledged by a person",
      chain(bobsList({}, { devices: [bob.device("PHONE", { signedBy: ["itself"] })] }), {
        ...pins,
        evidence: new Map([["PHONE", "acknowledged"]]),
      }),
      "device acknowledged: acknowledged, by device",
    ],
    [
      "is the device alone if it is not signed at all",
      chain(bobsList({}, { devices: [bob.device("PHONE", { signedBy: [] })] })),
      "device seen: seen, by device",
    ],
    ["is empty if the device is not known", chain(undefined, NO_PINS), ": seen, by nothing"],
  ])("%s", (_, found, expected) => {
    expect(summary(found)).toBe(expected);
  });

  it("has why the latest form of the device was refused, whether one before it was kept or not", () => {
    const reason = { code: "key-changed", detail: "another key" } as const;
    const list = { ...bobsList(), rejected: new Map([["PHONE", reason]]) };
    expect(chain(list)).toMatchObject({ trust: "cross-signed", refused: reason });
    expect(chain({ ...list, deviceKeys: new Map() })).toMatchObject({ links: [], refused: reason });
    expect(chain(bobsList())).not.toHaveProperty("refused");
  });

  it("has the bytes of each signature, which verify again", () => {
    const { links } = chain(bobsList({}, { masterKey: verifiedMaster }));
    const checks = links.flatMap(({ signature }) =>
      signature === undefined
        ? []
        : [
            {
              publicKey: decodeBase64(signature.by)!,
              signature: decodeBase64(signature.signature)!,
              message: signature.signed,
            },
          ],
    );
    expect(checks).toHaveLength(4);
    nodeVerifier.verify(checks).subscribe((results) => expect(results).toEqual([true, true, true, true]));
    expect(links.slice(1).map(({ signature }) => signature?.by)).toEqual(links.slice(0, -1).map(({ key }) => key));
  });

  it("to a device of our own begins at our master key", () => {
    const device = alice.device("OURS");
    const { list } = verify({ account: alice, devices: [device] });
    const own = { ...list, identity: { ...list.identity, pinnedMasterKey: alice.master.publicKey } };
    const known: Pins = { ...NO_PINS, masterKey: alice.master.publicKey, masterEvidence: "verified" };
    const found = trustChain({ userId: ALICE, deviceId: "OURS" }, { list: own, pins: known }, ALICE, own);
    expect(summary(found)).toBe(
      "own-master verified, self-signing cross-signed, device cross-signed: verified, by nothing",
    );
  });
});
