import type { DeviceId, UserId } from "matrix-device-tracker";
import type { RotateReason } from "matrix-device-tracker/rooms";
import { shortName } from "./names.js";
import { LEFT_OUT } from "./trust-words.js";

const HOUR = 3_600_000;

/** Why a key of the room must not be used any more, as a clause. */
export function rotateWords(reason: RotateReason, name: (userId: UserId, deviceId: DeviceId) => string): string {
  switch (reason.type) {
    case "user-left":
      return `${shortName(reason.userId)} has left`;
    case "user-excluded":
      return `${shortName(reason.userId)} is only invited, and only members may read now`;
    case "responses-missed":
      return "a part of what happened was missed, and any member may have left in it";
    case "device-removed":
      return `${name(reason.userId, reason.deviceId)} was logged out`;
    case "device-replaced":
      return `${name(reason.userId, reason.deviceId)} has other keys than before`;
    case "device-left-out":
      return `${name(reason.userId, reason.deviceId)} gets no more messages: ${LEFT_OUT[reason.reason]}`;
    case "identity-changed":
      return `${shortName(reason.userId)} has another identity than before`;
    case "visibility-changed":
      return reason.to === "shared" || reason.to === "world_readable"
        ? "those who join later may read what is sent from now on"
        : "those who join later may no longer read what is sent from now on";
    case "too-old":
      return `the key was used for ${Math.floor(reason.age / HOUR)} hours, as long as the room allows`;
    case "too-many-messages":
      return `the key was used for ${reason.count} messages, as many as the room allows`;
    case "algorithm-changed":
      return "the room has another algorithm";
  }
}
