/** What one side makes of a device that it accepts. */
export interface DeviceVerdict {
  /** Unpadded base64. */
  readonly ed25519: string | undefined;
  readonly curve25519: string | undefined;
  /** `undefined` where that side does not say. */
  readonly crossSigned: boolean | undefined;
}

/** What one side makes of a user. */
export interface UserVerdict {
  readonly devices: ReadonlyMap<string, DeviceVerdict>;
  /** The public key of the master key, and of the self-signing key that it has signed. */
  readonly master: string | undefined;
  readonly selfSigning: string | undefined;
}

/** What one side makes of an answer, and of all that came before it. */
export interface Verdict {
  /** Whether it could be read at all. */
  readonly read: boolean;
  readonly users: ReadonlyMap<string, UserVerdict>;
}

export const NOTHING: UserVerdict = { devices: new Map(), master: undefined, selfSigning: undefined };
