import { expect, it } from "vitest";
import { objectAt, write } from "./json.js";
import { KeyRing, makeKeyPairs, signObject } from "./key-pair.js";
import { OurSide } from "./our-verdict.js";
import { honestResponse, Person } from "./person.js";
import { Random } from "../support/random.js";

it("a device kept because of a changed key can be cross-signed again", () => {
  const bob = new Person("@bob:example.org", new Random(1), new KeyRing(makeKeyPairs(new Random(0)), 0));
  bob.identity ??= bob.newIdentity();
  bob.devices.clear();
  bob.addDevice("D");
  const device = bob.devices.get("D");
  if (device === undefined) throw new Error("no device");
  Object.assign(device, { signedByItself: true, crossSigned: true });
  const honest = honestResponse([bob]);
  const withoutIdentity = { device_keys: honest.device_keys ?? null };
  const swapped = honestResponse([bob]);
  const json = objectAt(swapped, "device_keys", bob.userId, "D");
  const stranger = bob.identity.userSigning;
  objectAt(json, "keys")["ed25519:D"] = stranger.publicKey;
  signObject(json, bob.userId, "D", stranger);

  const our = new OurSide([bob.userId], "accept");
  const crossSigned = [withoutIdentity, swapped, honest].map(
    (response) => our.judge(write(response)).users.get(bob.userId)?.devices.get("D")?.crossSigned,
  );
  expect(crossSigned).toEqual([false, false, true]);
});
