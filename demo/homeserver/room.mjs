/** @typedef {"join" | "invite" | "leave"} Membership */
/**
 * @typedef {object} StateEvent as `/sync` returns it
 * @property {string} event_id
 * @property {string} type
 * @property {string} state_key
 * @property {string} sender
 * @property {number} origin_server_ts
 * @property {Record<string, unknown>} content
 */

/** The state of a room, now and as of each earlier position in the server's stream. It has no messages. */
export class Room {
  roomId;
  #advance;
  /** Each state event so far and its position, in their order. @type {{ position: number, event: StateEvent }[]} */
  #events = [];
  /** The same, by type and state key. @type {Map<string, { position: number, event: StateEvent }[]>} */
  #state = new Map();

  /**
   * @param {string} roomId
   * @param {() => number} advance moves the stream on by one and returns the position
   */
  constructor(roomId, advance) {
    this.roomId = roomId;
    this.#advance = advance;
  }

  /** Sets the state that the room has from the start, before anything happens in it. */
  begin(/** @type {string} */ sender, /** @type {string} */ type, /** @type {object} */ content, stateKey = "") {
    this.#add(0, sender, type, content, stateKey);
  }

  set(/** @type {string} */ sender, /** @type {string} */ type, /** @type {object} */ content, stateKey = "") {
    this.#add(this.#advance(), sender, type, content, stateKey);
  }

  /** The content of a state event; `undefined` if there is none. */
  content(/** @type {string} */ type, stateKey = "", at = Infinity) {
    const events = this.#state.get(`${type} ${stateKey}`);
    return events?.findLast(({ position }) => position <= at)?.event.content;
  }

  /** @returns {Membership} `leave` for users who were never here, too */
  membership(/** @type {string} */ userId, at = Infinity) {
    return /** @type {Membership} */ (this.content("m.room.member", userId, at)?.membership ?? "leave");
  }

  /** All state events as of a position. */
  stateAt(/** @type {number} */ at) {
    return [...this.#state.values()].flatMap(
      (events) => events.findLast(({ position }) => position <= at)?.event ?? [],
    );
  }

  /** What happened since a position. */
  since(/** @type {number} */ from) {
    const last = this.#events.findLastIndex(({ position }) => position <= from);
    return this.#events.slice(last + 1).map(({ event }) => event);
  }

  /**
   * @param {number} position
   * @param {string} sender
   * @param {string} type
   * @param {object} content
   * @param {string} stateKey
   */
  #add(position, sender, type, content, stateKey) {
    const event = {
      event_id: `$${this.#events.length}:${this.roomId}`,
      type,
      state_key: stateKey,
      sender,
      origin_server_ts: Date.now(),
      content: { ...content },
    };
    this.#events.push({ position, event });
    const key = `${type} ${stateKey}`;
    const ofThisKey = this.#state.get(key);
    if (ofThisKey === undefined) this.#state.set(key, [{ position, event }]);
    else ofThisKey.push({ position, event });
  }
}
