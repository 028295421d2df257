/** Deletes the lists that earlier runs of the embedded homeserver left in this browser: each run is a world of its own. */
export function forgetFormerDemos(userId: string, current: string): void {
  void indexedDB.databases().then(
    (databases) => {
      for (const { name } of databases) {
        if (name !== undefined && name !== current && name.startsWith(`devices/${userId}/DEMO`))
          indexedDB.deleteDatabase(name);
      }
    },
    () => undefined, // no IndexedDB: nothing to forget
  );
}
