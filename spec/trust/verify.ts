import { parseResponse } from "../../src/query/parse-response.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import { strictVerifier } from "../../src/trust/signature-verifier.js";
import { planVerification, type UnsignedDevices, type Verified } from "../../src/trust/verify-list.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { keyPair, signedAccount, signedAnswer, type Answered } from "../support/signed-account.js";
import { ALICE, BOB } from "../support/users.js";

export const bob = signedAccount(BOB);
/** Our own account. */
export const alice = signedAccount(ALICE);
export const mallory = keyPair("mallory");
export const phone = bob.device("PHONE");
export const tablet = bob.device("TABLET");

export type Given = Omit<Answered, "account"> & { readonly account?: Answered["account"] };

/** Verifies a response about one user, Bob by default, and counts the signatures checked. */
export function verify(
  { account = bob, ...given }: Given,
  known?: DeviceList,
  unsignedDevices: UnsignedDevices = "accept",
): Verified & { readonly checked: number } {
  const { userId } = account;
  const { list } = parseResponse(signedAnswer({ account, ...given }), ALICE, 5).parseUser(userId);
  const { checks, conclude } = planVerification(list, userId, known, { ownUserId: ALICE, unsignedDevices });
  let results: readonly boolean[] = [];
  strictVerifier(nodeVerifier)
    .verify(checks)
    .subscribe((emitted) => (results = emitted));
  return { ...conclude(results), checked: checks.length };
}

export const devicesOf = ({ list }: Verified) => [...list.deviceKeys.keys()];
export const codesOf = ({ list }: Verified) => Array.from(list.rejected, ([deviceId, { code }]) => [deviceId, code]);
export const statusOf = ({ list }: Verified, deviceId = "PHONE") => list.deviceStatus.get(deviceId);
