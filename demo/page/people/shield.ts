import type { DeviceStatus, IdentityStatus } from "matrix-device-tracker";
import { svg } from "../dom/element.js";

/** How far a device can be trusted. */
export type Shield = "cross-signed" | "doubtful" | "self-signed" | "unsigned" | "refused";

export function shieldOf(status: DeviceStatus | undefined, identity: IdentityStatus): Shield | undefined {
  if (status === undefined) return undefined;
  if (status.crossSigned) return identity.state === "changed" ? "doubtful" : "cross-signed";
  return status.signedByItself ? "self-signed" : "unsigned";
}

const OUTLINE = "M0-8 6.5-5.5V0.5C6.5 4.5 3.5 7 0 8.5-3.5 7-6.5 4.5-6.5 0.5V-5.5Z";
/** The sign on the shield, so that its meaning does not depend on colour. */
const SIGNS: Readonly<Record<Shield, string | undefined>> = {
  "cross-signed": "M-3 0.2-0.8 2.6 3.2-2.4",
  doubtful: "M0-4V1M0 4V4.1",
  "self-signed": "M-3 0H3",
  unsigned: undefined,
  refused: "M-2.6-2.6 2.6 2.6M2.6-2.6-2.6 2.6",
};

/** A small icon, for words beside it. */
export function shieldIcon(shield: Shield): SVGSVGElement {
  const sign = SIGNS[shield];
  return svg(
    "svg",
    { viewBox: "-9 -10 18 20", class: `shield ${shield}`, "aria-hidden": "true" },
    svg("path", { d: OUTLINE, class: "body" }),
    sign !== undefined && svg("path", { d: sign, class: "sign" }),
  );
}
