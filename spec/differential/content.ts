import { at, isJsonObject, objectAt, type JsonObject } from "./json.js";

/* Checks for unusual content in the JSON of a device or a cross-signing key. */

export const isString = (value: unknown): value is string => typeof value === "string";

export const keysIn = (object: JsonObject): readonly unknown[] => Object.values(objectAt(object, "keys"));
const signaturesIn = (object: JsonObject): readonly unknown[] =>
  Object.values(objectAt(object, "signatures")).flatMap((by) => (isJsonObject(by) ? Object.values(by) : []));

/** The canonical encoding of the bytes that a base64 text decodes to. */
export const spelling = (text: string): string => Buffer.from(text, "base64").toString("base64").replace(/=+$/u, "");

/** Whether a key or a signature is not in its canonical encoding. */
export const isMisspelt = (object: JsonObject): boolean =>
  [...keysIn(object), ...signaturesIn(object)].some((text) => isString(text) && spelling(text) !== text);

function leaves(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(leaves);
  return isJsonObject(value) ? Object.entries(value).flatMap(([name, item]) => [name, ...leaves(item)]) : [value];
}

export const hasHalfCharacter = (value: unknown): boolean =>
  leaves(value).some((leaf) => isString(leaf) && /[\ud800-\udfff]/u.test(leaf));
export const hasNumber = (value: unknown): boolean => leaves(value).some((leaf) => typeof leaf === "number");

export function depth(value: unknown): number {
  const inner = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
  return typeof value === "object" && value !== null ? 1 + Math.max(0, ...inner.map(depth)) : 0;
}

const isUserId = (text: string): boolean => /^@[^:]*:./u.test(text);

/** Whether fields that we pass on unchecked, but they parse, have unexpected types. */
export function isTypedOtherwise(object: JsonObject): boolean {
  const { dehydrated = null, unsigned = null } = object;
  const name = at(unsigned, "device_display_name") ?? null;
  return (
    (name !== null && !isString(name)) ||
    (dehydrated !== null && typeof dehydrated !== "boolean") ||
    Object.entries(objectAt(object, "signatures")).some(
      ([userId, by]) => !isUserId(userId) || Object.keys(objectAt({ by }, "by")).some((keyId) => !keyId.includes(":")),
    ) ||
    Object.entries(objectAt(object, "keys")).some(
      ([keyId, key]) =>
        !keyId.includes(":") ||
        (/^(ed|curve)25519:/u.test(keyId) && isString(key) && Buffer.from(key, "base64").length !== 32),
    )
  );
}

/** Whether parts of the response are malformed: not a user's devices, or not under a user ID. */
export const hasUnreadableParts = (response: unknown): boolean =>
  ["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"].some((section) => {
    const byName = at(response, section);
    if (byName === null || (byName !== undefined && !isJsonObject(byName))) return true;
    const ofUsers = section !== "failures";
    return Object.entries(objectAt(response, section)).some(
      ([name, part]) =>
        (ofUsers && !isUserId(name)) ||
        (section === "device_keys" && (!isJsonObject(part) || hasHalfCharacter(Object.keys(part)))) ||
        (!ofUsers && !isJsonObject(part)),
    );
  });
