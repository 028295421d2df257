import type { Observable } from "rxjs";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceList } from "../trust/device-list.js";
import type { Pins } from "../trust/pins.js";
import type { UserEdit } from "./user-edits.js";

interface PendingEdit {
  readonly edit: UserEdit;
  readonly commit: number;
}

/** A person's decisions about users that are not committed yet: they count wherever the users' records are read. */
export class PendingEdits {
  readonly #edits = new Map<UserId, readonly PendingEdit[]>();

  /** @param commit the number that its commit will have */
  add(userId: UserId, edit: UserEdit, commit: number, committed$: Observable<unknown>): void {
    const pending: PendingEdit = { edit, commit };
    this.#edits.set(userId, [...this.#of(userId), pending]);
    const remove = () => {
      const others = this.#of(userId).filter((one) => one !== pending);
      if (others.length > 0) this.#edits.set(userId, others);
      else this.#edits.delete(userId);
    };
    committed$.subscribe({ complete: remove, error: remove });
  }

  pins(userId: UserId, pins: Pins): Pins {
    return this.#of(userId).reduce((edited, { edit, commit }) => edit.pins(edited, commit), pins);
  }

  list(userId: UserId, list: DeviceList): DeviceList {
    return this.#of(userId).reduce((edited, { edit }) => edit.list?.(edited, undefined) ?? edited, list);
  }

  isForgotten(userId: UserId, deviceId: DeviceId): boolean {
    return this.#of(userId).some(({ edit }) => edit.forgets === deviceId);
  }

  #of(userId: UserId): readonly PendingEdit[] {
    return this.#edits.get(userId) ?? [];
  }
}
