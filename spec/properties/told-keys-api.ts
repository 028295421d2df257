import { Observable, type Subscriber } from "rxjs";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceLists, KeysQueryRequest, KeysQueryResponse } from "../../src/model/wire.js";
import type { KeysApi } from "../../src/query/keys-api.js";

/** One query, and what has become of it. */
export interface Query {
  readonly id: number;
  readonly users: readonly UserId[];
  readonly timeout: number | undefined;
  state: "in flight" | "answered" | "aborted";
  /** The user's invalidations when it was sent. */
  readonly invalidations: ReadonlyMap<UserId, number>;
  /** The lists' versions when it arrived. */
  readonly seen: ReadonlyMap<UserId, number>;
  /** The moment of its answer, and whose part of it could no longer be relied on then. */
  answer?: { readonly at: number; readonly superseded: ReadonlySet<UserId> };
  /** How its verification ended, and whose part of it could no longer be relied on then; only where what is signed tells which query it is. */
  verified?: { readonly failed: boolean; readonly superseded: ReadonlySet<UserId> };
  readonly subscriber: Subscriber<KeysQueryResponse>;
}

/** Somebody asks who changed between two tokens. */
export interface ChangesQuery {
  readonly from: string;
  readonly to: string;
  state: "in flight" | "answered" | "aborted";
  readonly subscriber: Subscriber<DeviceLists>;
}

export interface QueryEvents {
  readonly arrives: (
    users: readonly UserId[],
    timeout: number | undefined,
    subscriber: Subscriber<KeysQueryResponse>,
  ) => Query;
  readonly aborted: (query: Query) => void;
  readonly asksForChanges: (query: ChangesQuery) => void;
}

/** A server's endpoints that answer when they are told to. */
export class ToldKeysApi implements KeysApi {
  readonly #ports: QueryEvents;

  constructor(ports: QueryEvents) {
    this.#ports = ports;
  }

  query({ device_keys: wanted, timeout }: KeysQueryRequest): Observable<KeysQueryResponse> {
    return new Observable((subscriber) => {
      const query = this.#ports.arrives(Object.keys(wanted), timeout, subscriber);
      return () => {
        if (query.state !== "in flight") return;
        query.state = "aborted";
        this.#ports.aborted(query);
      };
    });
  }

  changes({ from, to }: { readonly from: string; readonly to: string }): Observable<DeviceLists> {
    return new Observable((subscriber) => {
      const query: ChangesQuery = { from, to, state: "in flight", subscriber };
      this.#ports.asksForChanges(query);
      return () => {
        if (query.state === "in flight") query.state = "aborted";
      };
    });
  }
}
