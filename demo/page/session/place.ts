import type { UserId } from "matrix-device-tracker";

/** A homeserver, who we are there, and whom we want to know about. */
export interface Place {
  readonly homeserverUrl: string;
  readonly accessToken: string;
  readonly userId: UserId;
  readonly deviceId: string;
  /** With whom we share encrypted rooms: a sync announces changes, not who was there before. */
  readonly members: readonly UserId[];
  /** Whom the page shows beside ourselves, members or not. */
  readonly shown: readonly UserId[];
  /** Whether it is the homeserver that came with this page, which obeys the buttons. */
  readonly embedded: boolean;
}
