import type { Verdict } from "./verdict.js";
import { NOTHING } from "./verdict.js";

/** A disagreement of the two sides. */
export interface Difference {
  /**
   * The response as a whole, the presence of a device, its keys, its being cross-signed, or the keys of an identity.
   */
  readonly what: "response" | "device" | "ed25519" | "curve25519" | "cross-signed" | "master" | "self-signing";
  readonly userId: string;
  readonly deviceId: string;
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
}

/** The part of a verdict that a difference is about. */
export function verdictOn(verdict: Verdict | undefined, { what, userId, deviceId }: Difference): string | undefined {
  if (what === "response") return verdict?.read === true ? "read" : undefined;
  const user = verdict?.users.get(userId);
  if (what === "master") return user?.master;
  if (what === "self-signing") return user?.selfSigning;
  const device = user?.devices.get(deviceId);
  if (what === "device") return device && "accepted";
  if (what === "cross-signed") return device && String(device.crossSigned);
  return device?.[what];
}

export function differences(ours: Verdict, theirs: Verdict): readonly Difference[] {
  const found: Difference[] = [];
  const compare = (
    what: Difference["what"],
    userId: string,
    deviceId: string,
    our: string | undefined,
    their: string | undefined,
  ): void => {
    if (our !== their) found.push({ what, userId, deviceId, ours: our, theirs: their });
  };
  compare("response", "", "", ours.read ? "read" : undefined, theirs.read ? "read" : undefined);
  for (const userId of new Set([...ours.users.keys(), ...theirs.users.keys()])) {
    const our = ours.users.get(userId) ?? NOTHING;
    const their = theirs.users.get(userId) ?? NOTHING;
    compare("master", userId, "", our.master, their.master);
    compare("self-signing", userId, "", our.selfSigning, their.selfSigning);
    for (const deviceId of new Set([...our.devices.keys(), ...their.devices.keys()])) {
      const a = our.devices.get(deviceId);
      const b = their.devices.get(deviceId);
      compare("device", userId, deviceId, a && "accepted", b && "accepted");
      if (a === undefined || b === undefined) continue;
      compare("ed25519", userId, deviceId, a.ed25519, b.ed25519);
      compare("curve25519", userId, deviceId, a.curve25519, b.curve25519);
      if (a.crossSigned !== undefined)
        compare("cross-signed", userId, deviceId, String(a.crossSigned), String(b.crossSigned));
    }
  }
  return found;
}
