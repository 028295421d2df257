import { at, isJsonObject, type JsonObject } from "./json.js";
import type { Difference } from "./difference.js";
import { verdictOn } from "./difference.js";
import type { Memory } from "./memory.js";
import type { OurVerdict } from "./our-verdict.js";
import { ME } from "./person.js";
import { USAGES, type Usage } from "./scene.js";
import type { DeviceVerdict, Verdict } from "./verdict.js";

/** A response with a different result on the two sides, and the context that explains it. */
export interface Case {
  readonly text: string;
  readonly unsignedDevices: "accept" | "refuse";
  readonly differences: readonly Difference[];
  readonly ours: OurVerdict;
  readonly theirs: Verdict;
  /** The verdicts after the previous response. */
  readonly oursBefore: OurVerdict | undefined;
  readonly theirsBefore: Verdict | undefined;
  /** What we accepted before this response. */
  readonly memory: Memory;
  /** The verdicts of a tracker and a machine that received this response only. */
  readonly oursAlone: OurVerdict;
  readonly theirsAlone: Verdict;
}

/** One difference, and the part of the response it is about. */
export class Disputed {
  readonly what: Difference["what"];
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
  readonly about: Case;
  readonly #difference: Difference;
  readonly #response: unknown;

  constructor(difference: Difference, about: Case) {
    this.#difference = difference;
    this.what = difference.what;
    this.ours = difference.ours;
    this.theirs = difference.theirs;
    this.about = about;
    this.#response = JSON.parse(about.text);
  }

  get userId(): string {
    return this.#difference.userId;
  }

  get deviceId(): string {
    return this.#difference.deviceId;
  }

  get response(): unknown {
    return this.#response;
  }

  get isAboutDevice(): boolean {
    return this.what !== "response" && !this.isAboutIdentity; // a device may have an empty ID
  }

  get isAboutIdentity(): boolean {
    return this.what === "master" || this.what === "self-signing";
  }

  get onlyOurs(): boolean {
    return this.ours !== undefined && this.theirs === undefined;
  }

  get onlyTheirs(): boolean {
    return this.theirs !== undefined && this.ours === undefined;
  }

  /** The code of our refusal of the device. */
  get code(): string | undefined {
    return this.about.ours.refused.get(this.userId)?.get(this.deviceId);
  }

  /** The devices of the user in the response, by ID. */
  get devices(): unknown {
    return at(this.#response, "device_keys", this.userId);
  }

  /** The device in the response. */
  get device(): JsonObject | undefined {
    const device = at(this.devices, this.deviceId);
    return isJsonObject(device) ? device : undefined;
  }

  /** The ed25519 key that the response gives the device. */
  get key(): string | undefined {
    const key = at(this.device, "keys", `ed25519:${this.deviceId}`);
    return typeof key === "string" ? key : undefined;
  }

  /** The ed25519 keys that we accepted the device with before, the latest last. */
  get formerKeys(): readonly string[] {
    return this.about.memory.keysOf(this.userId, this.deviceId);
  }

  /** The device as one side sees it. */
  deviceOf(side: "ours" | "theirs"): DeviceVerdict | undefined {
    return this.about[side].users.get(this.userId)?.devices.get(this.deviceId);
  }

  crossSigningKey(usage: Usage): JsonObject | undefined {
    const key = at(this.#response, `${usage}_keys`, this.userId);
    return isJsonObject(key) ? key : undefined;
  }

  /** The cross-signing keys in the response that make up the identity. */
  get crossSigningKeys(): readonly (readonly [Usage, JsonObject])[] {
    return USAGES.flatMap((usage) => {
      const key = usage === "user_signing" && this.userId !== ME ? undefined : this.crossSigningKey(usage);
      return key === undefined ? [] : [[usage, key] as const];
    });
  }

  /** The objects in the response that the difference is about: the device, or the keys of the identity. */
  get objects(): readonly JsonObject[] {
    if (this.isAboutIdentity) return this.crossSigningKeys.map(([, key]) => key);
    return this.device === undefined ? [] : [this.device];
  }

  before(side: "ours" | "theirs"): string | undefined {
    return verdictOn(side === "ours" ? this.about.oursBefore : this.about.theirsBefore, this.#difference);
  }

  alone(side: "ours" | "theirs"): string | undefined {
    return verdictOn(side === "ours" ? this.about.oursAlone : this.about.theirsAlone, this.#difference);
  }

  /** Whether the sides differ because of the response itself, not because of what they remember. */
  get isInherent(): boolean {
    return this.alone("ours") !== this.alone("theirs");
  }

  /** Whether their verdict is the previous one, which they would not give for this response alone. */
  get theyKeep(): boolean {
    const { key } = this;
    // One of two keys may be the same in both.
    const hasOtherKey = this.isAboutDevice && key !== undefined && this.deviceOf("theirs")?.ed25519 !== key;
    const isOther = this.alone("theirs") !== this.theirs || hasOtherKey;
    return this.theirs !== undefined && this.before("theirs") === this.theirs && isOther;
  }

  /** Whether the user's self-signing keys differ, too. */
  get hasOtherIdentity(): boolean {
    return this.about.differences.some(({ what, userId }) => what === "self-signing" && userId === this.userId);
  }
}
