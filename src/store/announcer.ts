import { Subscription } from "rxjs";
import { readAnnouncement, type Announcement, type News } from "./announcement.js";
import type { DeviceStore } from "./device-store.js";
import type { OwnerRecord } from "./records.js";

/** Announces the news of one tracker, and picks out those of the others. */
export class Announcer {
  readonly #store: DeviceStore;
  readonly #lifetime: string;
  readonly #name: string;
  readonly #sending = new Subscription();

  /** @param name a name for this tracker that no other has */
  constructor(store: DeviceStore, { lifetime }: OwnerRecord, name: string) {
    this.#store = store;
    this.#lifetime = lifetime;
    this.#name = name;
  }

  /** What an update announces. */
  announcementOf(news: readonly News[]): Announcement {
    return { by: this.#name, lifetime: this.#lifetime, news };
  }

  /** Announces news without writing anything. Nothing depends on their arriving. */
  send(news: News): void {
    const announce = this.announcementOf([news]);
    this.#sending.add(
      this.#store
        .update([], () => ({ puts: [], deletes: [], result: undefined, announce }))
        .subscribe({ error: () => {} }),
    );
  }

  /** The news in an announcement, unless it is our own, or of another life of the store. */
  newsIn(value: unknown): readonly News[] {
    const announcement = readAnnouncement(value);
    const isOthers = announcement?.lifetime === this.#lifetime && announcement.by !== this.#name;
    return isOthers ? announcement.news : [];
  }

  end(): void {
    this.#sending.unsubscribe();
  }
}
