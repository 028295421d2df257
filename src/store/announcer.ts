import { Subscription } from "rxjs";
import { readAnnouncement, type Announcement, type News } from "./announcement.js";
import type { DeviceStore } from "./device-store.js";
import type { OwnerRecord } from "./records.js";

export class Announcer {
  readonly #store: DeviceStore;
  readonly #lifetime: string;
  readonly #name: string;
  readonly #sending = new Subscription();

  /** @param name a unique name for this tracker */
  constructor(store: DeviceStore, { lifetime }: OwnerRecord, name: string) {
    this.#store = store;
    this.#lifetime = lifetime;
    this.#name = name;
  }

  announcementOf(news: readonly News[]): Announcement {
    return { by: this.#name, lifetime: this.#lifetime, news };
  }

  /** Announces news without writing anything. Delivery is not guaranteed, and nothing depends on it. */
  send(news: News): void {
    const announce = this.announcementOf([news]);
    this.#sending.add(
      this.#store
        .update([], () => ({ puts: [], deletes: [], result: undefined, announce }))
        .subscribe({ error: () => {} }),
    );
  }

  /** Returns the news in an announcement, unless it is our own or of another life of the store. */
  newsIn(value: unknown): readonly News[] {
    const announcement = readAnnouncement(value);
    const isOthers = announcement?.lifetime === this.#lifetime && announcement.by !== this.#name;
    return isOthers ? announcement.news : [];
  }

  end(): void {
    this.#sending.unsubscribe();
  }
}
