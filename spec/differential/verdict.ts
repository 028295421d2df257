/** A device as one side accepted it. */
export interface DeviceVerdict {
  /** Unpadded base64. */
  readonly ed25519: string | undefined;
  readonly curve25519: string | undefined;
  /** `undefined` if that side does not know. */
  readonly crossSigned: boolean | undefined;
}

/** A user as one side sees them. */
export interface UserVerdict {
  readonly devices: ReadonlyMap<string, DeviceVerdict>;
  /** The public keys of the master key and of the self-signing key that it has signed. */
  readonly master: string | undefined;
  readonly selfSigning: string | undefined;
}

/** The state of one side after a response and all responses before it. */
export interface Verdict {
  /** Whether the response could be read at all. */
  readonly read: boolean;
  readonly users: ReadonlyMap<string, UserVerdict>;
}

/** A cross-signing key by its public key, or by everything in `keys` if that is not its only key, named by itself. */
export function nameOfKeys(keys: Readonly<Record<string, string>>): string | undefined {
  const [[keyId, key] = [], ...others] = Object.entries(keys);
  return others.length === 0 && (key === undefined || keyId === `ed25519:${key}`) ? key : JSON.stringify(keys);
}

export const NOTHING: UserVerdict = { devices: new Map(), master: undefined, selfSigning: undefined };
