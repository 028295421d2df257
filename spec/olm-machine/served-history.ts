import { filter, mergeMap } from "rxjs";
import type { DeviceTracker } from "../../src/device-tracker.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ALICE } from "../support/users.js";
import { USERS, type Event, type Halfway, type History } from "./histories.js";
import { ServedMachine } from "./served-machine.js";
import { Truth } from "./truth.js";

const ROOM = "!room:example.org";
/** Longer than any wait of a history, in ms. */
const QUIET = 400_000;

/** Lives through a history with a machine that a tracker serves, and checks all that it promises. */
export async function playServed({ gaps, events }: History): Promise<readonly string[]> {
  const served = await ServedMachine.openUnbound({ gaps, store: memoryStore() });
  try {
    const world = new ServedWorld(served);
    await world.begin();
    for (const event of events) await world.live(event);
    return await world.end();
  } finally {
    served.close();
    served.machine.close();
  }
}

class ServedWorld {
  readonly #served: ServedMachine;
  readonly #truth = new Truth();
  /** Users whom the tracker does not track, because they left. */
  #departed: ReadonlySet<string> = new Set();
  readonly #faults: string[] = [];
  #checked = 0;
  #logins = 0;

  constructor(served: ServedMachine) {
    this.#served = served;
  }

  get #tracker(): DeviceTracker {
    return this.#served.tracker;
  }

  async begin(): Promise<void> {
    const { homeserver } = this.#served;
    homeserver.announcesStrangers = false;
    this.#room.join(ALICE, ...USERS);
    await this.#step(0);
    this.#observe();
  }

  /** Observes the tracker that there is now. */
  #observe(): void {
    // As applications must: after such a gap, the members of the rooms are tracked again.
    const members = () => USERS.filter((userId) => this.#served.homeserver.rooms.isShared(userId));
    this.#tracker.problems$
      .pipe(
        filter((problem) => problem.type === "gap" && !problem.caughtUp),
        mergeMap(() => this.#tracker.track(members())),
      )
      .subscribe();
    this.#tracker.trackedUsers$.subscribe((tracked) => {
      this.#departed = new Set(USERS.filter((userId) => !tracked.has(userId)));
    });
  }

  async live(event: Event): Promise<void> {
    const { homeserver } = this.#served;
    switch (event.type) {
      case "login":
        this.#served.addDevice(event.userId, `D${++this.#logins}`);
        this.#changed(event.userId);
        break;
      case "logout": {
        const devices = [...homeserver.devicesOf(event.userId).keys()];
        const deviceId = devices[event.at % devices.length];
        if (deviceId !== undefined) homeserver.removeDevice(event.userId, deviceId);
        this.#changed(event.userId);
        break;
      }
      case "reset":
        this.#served.resetIdentity(event.userId, `identity ${++this.#logins}`);
        break;
      case "leave":
        this.#room.leave(event.userId);
        break;
      case "join":
        this.#room.join(event.userId);
        break;
      case "track":
        if (!this.#departed.has(event.userId)) await this.#served.trackInMachine(event.userId);
        break;
      case "look-up":
        if (!this.#departed.has(event.userId))
          this.#tracker.getDeviceKeys([event.userId], { forceDownload: true }).subscribe({ error: () => {} });
        break;
      case "step":
        await this.#step(event.between);
        break;
      case "lost-step":
        homeserver.respond();
        break;
      case "fail-query":
        homeserver.failNext(new Error("connection refused"));
        break;
      case "server-fails":
        homeserver.unreachable.add("example.org");
        break;
      case "server-works":
        homeserver.unreachable.clear();
        break;
      case "other-caller":
        await this.#served.asked();
        break;
      case "serve-again":
        this.#served.unsubscribe();
        this.#served.serve();
        break;
      case "restart":
        await this.#restart(event.after);
        this.#observe();
        break;
      case "answer-after":
        Object.assign(homeserver, { answerAfter: event.ms, looksAt: event.looksAt });
        break;
      case "elapse":
        await this.#elapse(event.ms);
        break;
    }
    await this.#look();
  }

  /** Nothing happens any more: the machine has what the homeserver has, and asks for no one who is there. */
  async end(): Promise<readonly string[]> {
    const { homeserver } = this.#served;
    homeserver.unreachable.clear();
    await this.#step(0);
    await this.#elapse(30);
    await this.#served.leap(QUIET);
    await this.#look();
    const queries = homeserver.queries.length;
    await this.#served.leap(QUIET);
    if (homeserver.queries.length > queries) this.#faults.push("queries without a cause");
    const asked = await this.#served.asked();
    for (const userId of [ALICE, ...USERS]) {
      // The homeserver says nothing of those who left.
      if (!homeserver.rooms.isShared(userId)) continue;
      if (asked.includes(userId)) this.#faults.push(`${userId} is asked for without end`);
      if (userId === ALICE) continue;
      const list = (await this.#served.devicesOf(userId)).join(" ");
      const truth = this.#truth.current(userId);
      if (list !== truth) this.#faults.push(`${userId}: "${list}" at the end, not "${truth}"`);
      if (!(await this.#served.hasIdentity(userId))) this.#faults.push(`${userId}: another identity at the end`);
    }
    return [...this.#faults, ...this.#truth.faults];
  }

  get #room() {
    return this.#served.homeserver.room(ROOM);
  }

  async #step(between: number): Promise<void> {
    await this.#served.save();
    await this.#elapse(between);
    await this.#served.applySaved();
  }

  async #restart(after: Halfway | "step"): Promise<void> {
    if (after !== "step") await this.#served.save();
    if (after === "apply") {
      this.#served.unsubscribe();
      await this.#served.applySaved();
    }
    await this.#served.restart();
  }

  async #elapse(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      await this.#served.elapse(1);
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    for (const userId of USERS) this.#truth.sees(userId, await this.#served.devicesOf(userId));
    const { queried } = this.#served;
    for (const userId of queried.slice(this.#checked).flat())
      if (this.#departed.has(userId)) this.#faults.push(`${userId} was queried after they left`);
    this.#checked = queried.length;
  }

  #changed(userId: string): void {
    this.#truth.changed(userId, this.#served.homeserver.devicesOf(userId).keys());
  }
}
