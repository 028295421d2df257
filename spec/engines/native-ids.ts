/** A user ID as the native engine reads it. */
export class UserId {
  readonly #id: string;

  constructor(id: string) {
    if (!/^@[^:]*:[\w.:[\]-]+$/u.test(id)) throw new Error("not a user ID");
    this.#id = id;
  }

  toString(): string {
    return this.#id;
  }
}

export class DeviceId {
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
  }

  toString(): string {
    return this.#id;
  }
}

export class RoomId extends DeviceId {}

export class DeviceLists {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];

  constructor(changed: readonly UserId[], left: readonly UserId[]) {
    this.changed = changed;
    this.left = left;
  }
}
