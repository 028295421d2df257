import { InvalidResponseError } from "./errors.js";
import { isObject } from "./json.js";

const ENDPOINT = "/keys/query";
const SECTIONS = ["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"] as const;

/** The sections of a `POST /_matrix/client/v3/keys/query` response, with unchecked contents. */
export type KeysQuerySections = Readonly<Record<(typeof SECTIONS)[number], Readonly<Record<string, unknown>>>>;

/**
 * Returns the sections of a response. A missing section is empty, as is `null`, which some servers send for an empty
 * map.
 *
 * A response without any section is refused, because a captive portal or a broken proxy also responds with 200: it
 * would be read as "no user has a device".
 *
 * @throws InvalidResponseError if the response has none of the sections, has an `errcode`, or has a malformed section
 */
export function keysQuerySections(response: unknown): KeysQuerySections {
  if (!isObject(response)) throw new InvalidResponseError(ENDPOINT, "", "an object");
  if (Object.hasOwn(response, "errcode"))
    throw new InvalidResponseError(ENDPOINT, "errcode", "absent from a successful response");
  if (!SECTIONS.some((name) => Object.hasOwn(response, name)))
    throw new InvalidResponseError(ENDPOINT, "device_keys", "present");
  const section = (name: keyof KeysQuerySections): Readonly<Record<string, unknown>> => {
    const value = (Object.hasOwn(response, name) ? response[name] : undefined) ?? {};
    if (!isObject(value)) throw new InvalidResponseError(ENDPOINT, name, "an object");
    return value;
  };
  return {
    device_keys: section("device_keys"),
    failures: section("failures"),
    master_keys: section("master_keys"),
    self_signing_keys: section("self_signing_keys"),
    user_signing_keys: section("user_signing_keys"),
  };
}
