/** How a user starts. `isVerified`: by Alice; `isAway`: in no room with us. */
export interface User {
  readonly userId: string;
  readonly devices: number;
  readonly hasIdentity: boolean;
  readonly isVerified?: boolean;
  readonly isAway?: boolean;
}

/** Our own user. */
export const ALICE: string;
export const BOB: string;
export const CAROL: string;
