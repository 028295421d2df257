import { nameOf, signedBy } from "./describe-device.js";
import type { DeviceEvent } from "./device-events.js";
import type { Segment } from "./output.js";
import { identityWords } from "./words.js";

/** Describes an event in a few words. */
export function eventWords(event: DeviceEvent): readonly Segment[] {
  switch (event.type) {
    case "added":
      return [["green", "new device"], " ", ...named(event), ", ", signedBy(event)];
    case "removed":
      return [["yellow", "removed device"], " ", ["cyan", event.deviceId]];
    case "renamed":
      return ["renamed device ", ...named(event)];
    case "cross-signed":
      return ["device ", ...named(event), ", now ", signedBy(event)];
    case "rekeyed":
      return [["yellow", "new keys, signed by the identity,"], " of device ", ...named(event)];
    case "changed":
      return ["same keys, but other content or fewer signatures: device ", ...named(event)];
    case "refused":
      return [["red", "refused device"], " ", ["cyan", event.deviceId], ": ", event.detail];
    case "identity":
      return [identityWords(event.identity)];
    case "left":
      return [["yellow", "shares no room with us any more"]];
  }
}

const named = (device: { readonly deviceId: string; readonly displayName: string | undefined }): readonly Segment[] => [
  ["cyan", device.deviceId],
  ...(nameOf(device) === "" ? [] : [` “${nameOf(device)}”`]),
];
