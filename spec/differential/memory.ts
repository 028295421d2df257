import type { OurVerdict } from "./our-verdict.js";

/** What our verdicts have accepted so far in a history, whatever the pins hold of it. */
export class Memory {
  readonly #deviceKeys = new Map<string, readonly string[]>();
  readonly #crossSigningKeys = new Map<string, ReadonlySet<string>>();

  /** The ed25519 keys that a device was accepted with while it was signed, the latest last. */
  keysOf(userId: string, deviceId: string): readonly string[] {
    return this.#deviceKeys.get(JSON.stringify([userId, deviceId])) ?? [];
  }

  /** The public keys of the cross-signing keys. */
  crossSigningKeysOf(userId: string): ReadonlySet<string> {
    return this.#crossSigningKeys.get(userId) ?? new Set();
  }

  add({ signedKeys, crossSigningKeys }: OurVerdict): void {
    for (const [userId, devices] of signedKeys) {
      for (const [deviceId, key] of devices) {
        const others = this.keysOf(userId, deviceId).filter((other) => other !== key);
        this.#deviceKeys.set(JSON.stringify([userId, deviceId]), [...others, key]);
      }
    }
    for (const [userId, keys] of crossSigningKeys)
      this.#crossSigningKeys.set(userId, new Set([...this.crossSigningKeysOf(userId), ...keys]));
  }
}
