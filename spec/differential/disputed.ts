import { at, isJsonObject, type JsonObject } from "./json.js";
import type { Difference } from "./difference.js";
import { said } from "./difference.js";
import type { OurVerdict } from "./our-verdict.js";
import { ME } from "./person.js";
import { USAGES, type Usage } from "./scene.js";
import type { Verdict } from "./verdict.js";

/** An answer on which the two sides do not agree, and what is needed to say why. */
export interface Case {
  readonly text: string;
  readonly unsignedDevices: "accept" | "refuse";
  readonly differences: readonly Difference[];
  readonly ours: OurVerdict;
  readonly theirs: Verdict;
  /** After the answer before. */
  readonly oursBefore: OurVerdict | undefined;
  readonly theirsBefore: Verdict | undefined;
  /** What a tracker and a machine say that have been given this answer and nothing else. */
  readonly oursAlone: OurVerdict;
  readonly theirsAlone: Verdict;
}

/** One difference, and what the answer says there. */
export class Disputed {
  readonly what: Difference["what"];
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
  readonly about: Case;
  readonly #difference: Difference;
  readonly #answer: unknown;

  constructor(difference: Difference, about: Case) {
    this.#difference = difference;
    this.what = difference.what;
    this.ours = difference.ours;
    this.theirs = difference.theirs;
    this.about = about;
    this.#answer = JSON.parse(about.text);
  }

  get userId(): string {
    return this.#difference.userId;
  }

  get deviceId(): string {
    return this.#difference.deviceId;
  }

  get answer(): unknown {
    return this.#answer;
  }

  get isAboutDevice(): boolean {
    return this.deviceId !== "";
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

  /** Why we refused the device. */
  get code(): string | undefined {
    return this.about.ours.refused.get(this.userId)?.get(this.deviceId);
  }

  /** The devices of the user by ID, in the answer. */
  get devices(): unknown {
    return at(this.#answer, "device_keys", this.userId);
  }

  /** The device in the answer. */
  get device(): JsonObject | undefined {
    const device = at(this.devices, this.deviceId);
    return isJsonObject(device) ? device : undefined;
  }

  crossSigningKey(usage: Usage): JsonObject | undefined {
    const key = at(this.#answer, `${usage}_keys`, this.userId);
    return isJsonObject(key) ? key : undefined;
  }

  /** The cross-signing keys that make the identity, in the answer. */
  get crossSigningKeys(): readonly (readonly [Usage, JsonObject])[] {
    return USAGES.flatMap((usage) => {
      const key = usage === "user_signing" && this.userId !== ME ? undefined : this.crossSigningKey(usage);
      return key === undefined ? [] : [[usage, key] as const];
    });
  }

  /** What the difference is about, in the answer: the device, or the keys of the identity. */
  get objects(): readonly JsonObject[] {
    if (this.isAboutIdentity) return this.crossSigningKeys.map(([, key]) => key);
    return this.device === undefined ? [] : [this.device];
  }

  saidBefore(side: "ours" | "theirs"): string | undefined {
    return said(side === "ours" ? this.about.oursBefore : this.about.theirsBefore, this.#difference);
  }

  saidAlone(side: "ours" | "theirs"): string | undefined {
    return said(side === "ours" ? this.about.oursAlone : this.about.theirsAlone, this.#difference);
  }

  /** Whether the sides differ on the answer itself, and not for what either remembers. */
  get isInherent(): boolean {
    return this.saidAlone("ours") !== this.saidAlone("theirs");
  }

  /** Whether they say what they said before, and would not without having said it. */
  get theyKeep(): boolean {
    return (
      this.theirs !== undefined && this.saidBefore("theirs") === this.theirs && this.saidAlone("theirs") !== this.theirs
    );
  }

  /** Whether the user's self-signing keys differ, too. */
  get hasOtherIdentity(): boolean {
    return this.about.differences.some(({ what, userId }) => what === "self-signing" && userId === this.userId);
  }
}
