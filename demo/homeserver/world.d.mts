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

/** The users, their devices, and the stream of changes. */
export class World {
  constructor(users?: readonly User[]);
  readonly life: string;
  readonly announcements: { readonly position: number };
  people(): string[];
  members(): string[];
  deviceList(userId: string): Record<string, object> | undefined;
  addDevice(userId: string): string;
  replaceDevice(userId: string): string;
  join(userId: string): void;
  leave(userId: string): void;
}
