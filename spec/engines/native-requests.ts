import { RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { NativeRequest } from "./native-binding.js";

/** A request as engines of today have it. */
export interface EngineRequest {
  readonly id: string;
  readonly type: RequestType;
  /** JSON. */
  readonly body: string;
  /** Of a to-device request. */
  readonly event_type?: string;
  readonly txn_id?: string;
}

/** The `request_kind` of each type, and its number. */
const KINDS: readonly (readonly [kind: string, number: number, type: RequestType])[] = [
  ["KeysUpload", 1, RequestType.KeysUpload],
  ["KeysQuery", 2, RequestType.KeysQuery],
  ["ToDevice", 3, RequestType.ToDevice],
  ["SignatureUpload", 4, RequestType.SignatureUpload],
  ["RoomMessage", 5, RequestType.RoomMessage],
  ["KeysClaim", 6, RequestType.KeysClaim],
  ["KeysBackup", 7, RequestType.KeysBackup],
];

export function kindNumber(wanted: RequestType): number {
  const found = KINDS.find(([, , type]) => type === wanted);
  if (found === undefined) throw new Error(`the native engine has no requests of type ${wanted}`);
  return found[1];
}

export function toRequest(json: string): EngineRequest {
  const request = JSON.parse(json) as NativeRequest;
  const type = KINDS.find(([kind]) => kind === request.request_kind)?.[2];
  if (type === undefined) throw new Error(`the native engine has an unknown request: ${request.request_kind}`);
  const id = request.request_id;
  const body = JSON.stringify(bodyOf(type, request));
  if (type !== RequestType.ToDevice) return { id, type, body };
  return { id, type, body, event_type: request.event_type ?? "", txn_id: id };
}

function bodyOf(type: RequestType, { users = [], one_time_keys, body = {} }: NativeRequest): object {
  switch (type) {
    case RequestType.KeysUpload: // what is not uploaded is null here, which servers refuse
      return Object.fromEntries(Object.entries(body).filter(([, section]) => section !== null));
    case RequestType.KeysQuery:
      return { device_keys: Object.fromEntries(users.map((userId) => [userId, []])) };
    case RequestType.KeysClaim:
      return { one_time_keys };
    case RequestType.ToDevice:
      return { messages: body };
    default:
      return body;
  }
}
