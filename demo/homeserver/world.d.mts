import type { User } from "./kitchen.mjs";

/** The users, the room they share with Alice, and the stream of changes that the server announces to her. */
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
