import { InvalidResponseError } from "../model/errors.js";
import { isUserId, type UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { SyncResponse } from "../model/wire.js";
import type { SyncStep } from "../store/change.js";
import { splitLists } from "./long-lists.js";

export interface ParsedStep {
  /** `undefined` if it is not a response: it moves no token and is not emitted. */
  readonly response: SyncResponse | undefined;
  /** The token that it answered: `null` for an initial sync, `undefined` if the caller does not know. */
  readonly since: string | null | undefined;
  readonly next: string | undefined;
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
  /** Set if something could not be understood: it may hide changes of any user. */
  readonly refusal?: InvalidResponseError;
  /** Strings in the lists that are not user IDs. */
  readonly refusedIds: readonly string[];
  /** Long lists, not included in `changed` and `left`: parse them with {@link parsePart}, in order. */
  readonly parts: readonly unknown[];
}

export type ParsedPart = Pick<ParsedStep, "changed" | "left" | "refusedIds" | "refusal">;

/** The lists of a response of `GET /keys/changes`. */
export type ParsedChanges = Pick<ParsedStep, "changed" | "left" | "refusedIds">;

/**
 * Parses the `device_lists` of a sync response (Matrix spec, client-server API, "Tracking the device list for a user").
 *
 * 1. A user in both lists has left; a user listed twice counts once.
 * 2. Our own user never leaves: if listed in `left`, they count as changed.
 * 3. Invalid lists may hide changes: `refusal` says why, and their valid parts are used.
 */
export function parseStep(response: unknown, ownUserId: UserId): ParsedStep {
  try {
    return parse(response, ownUserId);
  } catch (cause) {
    // An object that is not JSON may throw on access.
    return notUnderstood(new InvalidResponseError("/sync", "", "readable", { cause }));
  }
}

/**
 * Parses a response of `GET /keys/changes`.
 * @throws InvalidResponseError if it is invalid: it may hide changes
 */
export function parseChanges(response: unknown, ownUserId: UserId): ParsedChanges {
  const refuse = (path: string, expected: string) => {
    throw new InvalidResponseError("/keys/changes", path, expected);
  };
  if (!isObject(response)) refuse("", "an object");
  else if (Object.hasOwn(response, "errcode")) refuse("errcode", "absent from a successful response");
  else if (response.changed === undefined && response.left === undefined) refuse("", '"changed" or "left"');
  return parseLists(response, ownUserId, refuse);
}

export function parsePart(part: unknown, ownUserId: UserId): ParsedPart {
  let refusal: InvalidResponseError | undefined;
  const lists = parseLists(part, ownUserId, (path, expected) => {
    refusal ??= new InvalidResponseError("/sync", path === "" ? "device_lists" : `device_lists.${path}`, expected);
  });
  return { ...lists, ...(refusal && { refusal }) };
}

/** Turns a parsed step into the change that begins at this token. */
export function toChange({ next, ...lists }: ParsedStep, since: string | undefined): SyncStep {
  return toStep(lists, since, next);
}

/** Turns a part of a step into a change that moves no token. */
export function partToChange(part: ParsedPart, since: string | undefined): SyncStep {
  return { ...toStep(part, since, since), isPartial: true };
}

function toStep({ changed, left, refusal }: ParsedPart, since: string | undefined, next: string | undefined): SyncStep {
  return { type: "step", since, next, changed, left, everyone: refusal === undefined ? undefined : "outdated" };
}

const notUnderstood = (refusal: InvalidResponseError): ParsedStep => ({
  response: undefined,
  since: undefined,
  next: undefined,
  changed: [],
  left: [],
  refusal,
  refusedIds: [],
  parts: [],
});

function parse(response: unknown, ownUserId: UserId): ParsedStep {
  if (!isObject(response)) return notUnderstood(new InvalidResponseError("/sync", "", "an object"));
  const { next_batch: next, since } = response;
  if (typeof next !== "string" || next === "")
    return notUnderstood(new InvalidResponseError("/sync", "next_batch", "a token"));
  const knowsSince = since === undefined || since === null || typeof since === "string";
  const sinceRefusal = knowsSince ? undefined : new InvalidResponseError("/sync", "since", "a token or null");
  const parts = splitLists(response.device_lists);
  const isLong = parts.length > 1;
  const lists = parsePart(isLong ? undefined : parts[0], ownUserId);
  const refusal = sinceRefusal ?? lists.refusal;
  return {
    response: response as unknown as SyncResponse,
    since: knowsSince ? since : undefined,
    next,
    ...lists,
    ...(refusal && { refusal }),
    parts: isLong ? parts : [],
  };
}

type Refuse = (path: string, expected: string) => void;

function parseLists(value: unknown, ownUserId: UserId, refuse: Refuse): ParsedChanges {
  const lists = value ?? {}; // some servers write null
  if (!isObject(lists)) refuse("", "an object");
  const refusedIds: string[] = [];
  const named = (name: "changed" | "left") =>
    usersIn(isObject(lists) ? lists[name] : undefined, name, refuse, refusedIds);
  const changed = named("changed");
  const left = named("left");
  if (left.delete(ownUserId)) changed.add(ownUserId);
  for (const user of left) changed.delete(user);
  return { changed: [...changed], left: [...left], refusedIds };
}

function usersIn(value: unknown, name: string, refuse: Refuse, refusedIds: string[]): Set<UserId> {
  const users = value ?? [];
  if (!Array.isArray(users)) refuse(name, "an array of user IDs");
  const found = new Set<UserId>();
  for (const user of Array.isArray(users) ? (users as unknown[]) : []) {
    if (typeof user !== "string") refuse(name, "an array of user IDs");
    else if (isUserId(user)) found.add(user);
    else refusedIds.push(user);
  }
  return found;
}
