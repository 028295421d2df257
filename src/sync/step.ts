import { isObject } from "../model/json.js";
import { InvalidResponseError } from "../model/errors.js";
import { isUserId, type UserId } from "../model/ids.js";
import type { SyncResponse } from "../model/wire.js";

/** What one sync response says about device lists, made unambiguous. */
export interface Step {
  /** The response, where it is one; what is none is applied (as changes of everyone), but moves no token and is not announced as synced. */
  readonly response: SyncResponse | undefined;
  /** The token that it leads to. */
  readonly next: string | undefined;
  /** The token that it answered: `null` for an initial sync, `undefined` where the caller does not know. */
  readonly since: string | null | undefined;
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
  /** Whether changes of others may be hidden in what could not be understood. */
  readonly everyone: boolean;
  /** Why there is something that could not be understood. */
  readonly refusal?: InvalidResponseError;
  /** Whether the server was asked for it, because steps were missing. */
  readonly asked?: boolean;
  /** Strings in the lists that are no user IDs. */
  readonly refusedIds: readonly string[];
}

/**
 * Reads a sync response's `device_lists` (Matrix spec, client-server API, "Tracking the device list for a user").
 *
 * 1. A user in both lists has left; a user listed twice counts once.
 * 2. Our own user never leaves (their devices are ours to know): listed in `left`, they count as changed.
 * 3. Lists that cannot be understood may hide changes: what can be understood is used, and everyone counts as changed.
 */
export function parseStep(response: unknown, ownUserId: UserId): Step {
  try {
    return parse(response, ownUserId);
  } catch (cause) {
    return notUnderstood(new InvalidResponseError("/sync", "", "readable", { cause })); // an object that is no JSON may throw at any look
  }
}

const notUnderstood = (refusal: InvalidResponseError): Step => ({
  response: undefined,
  next: undefined,
  since: undefined,
  changed: [],
  left: [],
  everyone: true,
  refusal,
  refusedIds: [],
});

function parse(response: unknown, ownUserId: UserId): Step {
  if (!isObject(response) || typeof response.next_batch !== "string" || response.next_batch === "") {
    const [path, expected] = isObject(response) ? ["next_batch", "a token"] : ["", "an object"];
    const refusal = new InvalidResponseError("/sync", path, expected);
    return notUnderstood(refusal);
  }
  let refusal: InvalidResponseError | undefined;
  const refuse = (path: string, expected: string) => (refusal ??= new InvalidResponseError("/sync", path, expected));

  const { since } = response;
  const knowsSince = since === undefined || since === null || typeof since === "string";
  if (!knowsSince) refuse("since", "a token or null");
  const lists = parseLists(response.device_lists, ownUserId, (path, expected) =>
    refuse(path === "" ? "device_lists" : `device_lists.${path}`, expected),
  );
  return {
    response: response as unknown as SyncResponse,
    next: response.next_batch,
    since: knowsSince ? since : undefined,
    ...lists,
    everyone: refusal !== undefined,
    ...(refusal && { refusal }),
  };
}

/**
 * Reads an answer of `GET /keys/changes` as the step from one token to the other.
 * @throws InvalidResponseError where it cannot be understood: it may hide changes
 */
export function parseMissedSteps(
  answer: unknown,
  range: { readonly from: string; readonly to: string },
  ownUserId: UserId,
): Step {
  const refuse = (path: string, expected: string) => {
    throw new InvalidResponseError("/keys/changes", path, expected);
  };
  if (!isObject(answer)) refuse("", "an object");
  const lists = parseLists(answer, ownUserId, refuse);
  return { response: undefined, next: range.to, since: range.from, ...lists, everyone: false, asked: true };
}

function parseLists(
  value: unknown,
  ownUserId: UserId,
  refuse: (path: string, expected: string) => void,
): Pick<Step, "changed" | "left" | "refusedIds"> {
  const lists = value ?? {}; // null, too: some servers write nothing so
  if (!isObject(lists)) refuse("", "an object");
  const refusedIds: string[] = [];
  const usersIn = (name: "changed" | "left"): Set<UserId> => {
    const users = (isObject(lists) ? lists[name] : undefined) ?? [];
    if (!Array.isArray(users)) refuse(name, "an array of user IDs");
    const found = new Set<UserId>();
    for (const user of Array.isArray(users) ? (users as unknown[]) : []) {
      if (typeof user !== "string") refuse(name, "an array of user IDs");
      else if (isUserId(user)) found.add(user);
      else refusedIds.push(user);
    }
    return found;
  };
  const changed = usersIn("changed");
  const left = usersIn("left");
  if (left.delete(ownUserId)) changed.add(ownUserId);
  for (const user of left) changed.delete(user);
  return { changed: [...changed], left: [...left], refusedIds };
}
