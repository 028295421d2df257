/** Deletes the lists that earlier runs of the embedded homeserver left in this browser: each run starts a new world. */
export function forgetFormerDemos(userId: string, current: string): void {
  void indexedDB.databases().then(
    (databases) => {
      for (const { name } of databases) {
        if (name !== undefined && name !== current && name.startsWith(`devices/${userId}/DEMO`))
          indexedDB.deleteDatabase(name);
      }
    },
    () => undefined, // without IndexedDB there is nothing to delete
  );
}
