import { map, type Observable } from "rxjs";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import type { Marbles } from "./marbles.js";
import { otherTab, setUp, type SetUp, type UnderTest } from "./set-up.js";
import { shields } from "./shields.js";
import { BOB, CAROL } from "./users.js";

/** The first byte of signatures that do not verify. */
export const FORGED = 9;

type Shields = (...users: readonly UserId[]) => Observable<readonly string[]>;

export interface Trusting extends Omit<UnderTest, "known" | "watch"> {
  readonly verifier: ScriptedVerifier;
  /** From these frames on, the homeserver has these accounts of the users named in them, and no others of theirs. */
  readonly publish: (timing: string, accounts: Readonly<Record<string, KeysQueryResponse>>) => void;
  /** `getDeviceKeys`, as `shields` shows it. */
  readonly get: Shields;
  /** The same with `forceDownload`. */
  readonly fetch: Shields;
  readonly known: Shields;
  readonly watch: Shields;
}

/** A tracker whose homeserver publishes signed accounts. Bob and Carol are tracked. */
export function trusting(m: Marbles, options: SetUp & { readonly takes?: number } = {}): Trusting {
  return trustingOf(m, options, (given) => setUp(m, { tracked: [BOB, CAROL], ...given }));
}

/** A tracker on what the first one has saved. */
export function trustingAgain(
  m: Marbles,
  first: Pick<UnderTest, "homeserver" | "store">,
  options: SetUp & { readonly takes?: number } = {},
): Trusting {
  return trustingOf(m, options, (given) => otherTab(m, first, given));
}

function trustingOf(
  m: Marbles,
  { takes = 0, ...options }: SetUp & { readonly takes?: number },
  setUpWith: (given: SetUp) => UnderTest,
): Trusting {
  const verifier = new ScriptedVerifier({ scheduler: m.scheduler, takes });
  verifier.forged.add(FORGED);
  const under = setUpWith({ verifier, ...options });
  const { tracker, homeserver } = under;
  const shown = (users$: Observable<DeviceKeysByUser>) => users$.pipe(map(shields));
  return {
    ...under,
    verifier,
    publish: (timing, accounts) => {
      const acts = Object.entries(accounts).map(([marble, account]) => [marble, () => replace(homeserver, account)]);
      m.acts(timing, Object.fromEntries(acts) as Record<string, () => void>);
    },
    get: (...users) => shown(tracker.getDeviceKeys(users)),
    fetch: (...users) => shown(tracker.getDeviceKeys(users, { forceDownload: true })),
    known: (...users) => shown(tracker.getKnownDeviceKeys(users)),
    watch: (...users) => shown(tracker.watchDeviceKeys(users)),
  };
}

const KEY_SECTIONS = ["master_keys", "self_signing_keys", "user_signing_keys"] as const;

function replace(homeserver: ScriptedHomeserver, account: KeysQueryResponse): void {
  const sections = [account.device_keys ?? {}, ...KEY_SECTIONS.map((section) => account[section] ?? {})];
  for (const userId of new Set(sections.flatMap((section) => Object.keys(section)))) {
    for (const deviceId of [...homeserver.devicesOf(userId).keys()]) homeserver.removeDevice(userId, deviceId);
    for (const [deviceId, device] of Object.entries(account.device_keys?.[userId] ?? {}))
      homeserver.addDevice(userId, deviceId, device);
    for (const section of KEY_SECTIONS) homeserver.setCrossSigningKey(userId, section, account[section]?.[userId]);
  }
}
