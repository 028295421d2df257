import type { UserId } from "../../../src/model/ids.js";
import type { RecordKey } from "../../../src/store/device-store.js";
import { names } from "../../properties/commands.js";
import type { Witness } from "../../properties/history.js";
import { positionOf, type Server } from "../../properties/model.js";
import type { Page } from "../../properties/page.js";
import type { Query } from "../../properties/told-keys-api.js";
import type { WatchedRecords } from "../../properties/watched-records.js";
import { readList } from "../../properties/wire.js";

/** A query, and the newest changes that its tab could know of when it was sent. */
export interface SentQuery {
  readonly page: Page;
  readonly query: Query;
  readonly knew: ReadonlyMap<UserId, number>;
}

/** P3 and P4, of what is saved, after every transaction. */
export class SavedPromises {
  /** The newest position that was ever saved as the token. */
  committedTo = 0;
  readonly #server: Server;
  readonly #history: Witness;
  readonly #queryOf: (id: number) => SentQuery | undefined;

  constructor(server: Server, history: Witness, queryOf: (id: number) => SentQuery | undefined) {
    this.#server = server;
    this.#history = history;
    this.#queryOf = queryOf;
  }

  check({ token, epoch, states, lists }: WatchedRecords["saved"], put: readonly RecordKey[]): void {
    if (token !== undefined) this.committedTo = Math.max(this.committedTo, positionOf(token));
    const history = this.#history;
    const announced = (user: UserId) => this.#server.announced(user, this.committedTo);
    for (const [kind, user] of put) {
      const list = kind === "list" ? lists.get(user) : undefined;
      if (list === undefined) continue;
      const { version, mark } = readList(list.list.deviceKeys);
      if (mark === undefined) continue; // nobody's keys have changed yet
      const sent = this.#queryOf(mark.query);
      const is = () => `V${version} of ${names([user])} is saved, the answer to query ${mark.query}`;
      // While missing steps are being learned, those it is told meanwhile wait, and are not applied yet.
      history.expect(
        sent?.page.told.uncertain === true || sent?.query.answer?.superseded.has(user) === false,
        "P3",
        () => `${is()}, and had been superseded when it came`,
      );
      history.expect(
        announced(user) <= (sent?.knew.get(user) ?? 0),
        "P3",
        () => `${is()}, though V${announced(user)} has been applied since it was sent`,
      );
    }
    for (const [user, list] of lists) {
      const state = states.get(user);
      history.expect(state !== undefined, "P3", () => `a list of ${names([user])} is saved, who is not tracked`);
      if (state?.listed !== Math.max(state?.revision ?? 0, epoch)) continue;
      const { version } = readList(list.list.deviceKeys);
      history.expect(
        version >= announced(user),
        "P4",
        () =>
          `V${version} of ${names([user])} is saved as up to date, and V${announced(user)} had been announced up to the saved token`,
      );
    }
    for (const [user, state] of states)
      history.expect(
        state.listed !== Math.max(state.revision, epoch) || lists.has(user),
        "P4",
        () => `the list of ${names([user])} is up to date, and not there`,
      );
  }
}
